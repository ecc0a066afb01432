import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { EVENT_SCHEMAS } from './events.ts'
import { OBSERVATION_SCHEMAS } from './observation.ts'

/** `path`: JSON pointer into the data. */
export type Checked = { readonly ok: true } | { readonly ok: false; readonly path: string; readonly message: string }

const OK: Checked = { ok: true }
/** Compiled at first use: about a millisecond each, paid by nobody who never sees the type. */
const events = new Map<string, Validator>()
const observations = new Map<string, Validator>()

/** Whether `data` keeps the contract of event type `type`. An unknown type keeps none. */
export function checkEvent(type: string, data: unknown): Checked {
  const validator = events.get(type) ?? compile(events, EVENT_SCHEMAS, type)
  return validator === null ? { ok: false, path: '', message: `no contract is known for ${type}` } : check(validator, data)
}

/** Whether what a connector shows of a subject can be calculated with. An unknown kind cannot. */
export function checkObservation(observation: unknown): Checked {
  const kind = (observation as { readonly kind?: unknown } | null | undefined)?.kind
  const validator = typeof kind === 'string' ? (observations.get(kind) ?? compile(observations, OBSERVATION_SCHEMAS, kind)) : null
  return validator === null ? { ok: false, path: '/kind', message: 'is neither stock nor record' } : check(validator, observation)
}

function check(validator: Validator, data: unknown): Checked {
  if (validator.Check(data)) return OK
  const first = validator.Errors(data)[0]
  return { ok: false, path: first?.instancePath ?? '', message: first?.message ?? 'does not match its contract' }
}

function compile(compiled: Map<string, Validator>, schemas: Readonly<Record<string, TSchema>>, name: string): Validator | null {
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined
  if (schema === undefined) return null
  const validator: Validator = Compile(schema)
  compiled.set(name, validator)
  return validator
}
