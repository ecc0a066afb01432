import { Compile, type Validator } from 'typebox/compile'
import { EVENT_SCHEMAS, type EventType } from './events.ts'

/** `path`: JSON pointer into the data. */
export type Checked = { readonly ok: true } | { readonly ok: false; readonly path: string; readonly message: string }

const OK: Checked = { ok: true }
/** Compiled at first use: about a millisecond each, paid by nobody who never sees the type. */
const compiled = new Map<string, Validator>()

/** Whether `data` keeps the contract of event type `type`. An unknown type keeps none. */
export function checkEvent(type: string, data: unknown): Checked {
  const validator = compiled.get(type) ?? compile(type)
  if (validator === null) return { ok: false, path: '', message: `no contract is known for ${type}` }
  if (validator.Check(data)) return OK
  const first = validator.Errors(data)[0]
  return { ok: false, path: first?.instancePath ?? '', message: first?.message ?? 'does not match its contract' }
}

function compile(type: string): Validator | null {
  if (!Object.hasOwn(EVENT_SCHEMAS, type)) return null
  const validator: Validator = Compile(EVENT_SCHEMAS[type as EventType])
  compiled.set(type, validator)
  return validator
}
