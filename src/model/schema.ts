import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { OUTCOME_SCHEMAS, READ_FAILURE_SCHEMA } from './answer.ts'
import { EVENT_SCHEMAS } from './events.ts'
import { OBSERVATION_SCHEMAS } from './observation.ts'

/** `path`: JSON pointer into the data. */
export type Checked = { readonly ok: true } | { readonly ok: false; readonly path: string; readonly message: string }

const OK: Checked = { ok: true }
/** Compiled at first use: about a millisecond each, paid by nobody who never sees the type. */
const events = new Map<string, Validator>()
const observations = new Map<string, Validator>()
const outcomes = new Map<string, Validator>()
const failures = new Map<string, Validator>()

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

/** Whether what a connector says of a command item is an outcome. One of an unknown kind is none. */
export function checkOutcome(outcome: unknown): Checked {
  const kind = (outcome as { readonly outcome?: unknown } | null | undefined)?.outcome
  const validator = typeof kind === 'string' ? (outcomes.get(kind) ?? compile(outcomes, OUTCOME_SCHEMAS, kind)) : null
  return validator === null ? { ok: false, path: '/outcome', message: 'is none of the outcomes' } : check(validator, outcome)
}

/** Whether what a connector says of a read that failed can be acted upon. */
export function checkReadFailure(result: unknown): Checked {
  const validator = failures.get('failed') ?? compile(failures, { failed: READ_FAILURE_SCHEMA }, 'failed')
  return check(validator as Validator, result)
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
