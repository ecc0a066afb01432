/**
 * What a connector says is checked before it counts: calculating with a quantity that is none throws, or worse, does
 * not. What cannot be used of one subject says nothing about the others.
 */
import type { Outcome, ReadResult } from '../connectors/connector.ts'
import { checkObservation, checkOutcome, checkReadFailure } from '../model/schema.ts'
import type { EngineDeps } from './deps.ts'

/** An observation that breaks its contract is a failed read. Asked of every result: some microseconds each. */
export function checkedResult({ runtime }: EngineDeps, result: ReadResult): ReadResult {
  const fault = result?.read === 'failed' ? faultOfFailure(result) : faultOf(result?.observation)
  if (fault === null) return result
  runtime.sometimes('observation-refused')
  return { read: 'failed', class: 'contract', delayMs: null, detail: fault }
}

/** What is no outcome may have been sent and done: it counts as unknown, and a read tells. */
export function checkedOutcome({ runtime, log }: EngineDeps, outcome: Outcome, instance: string): Outcome {
  const checked = checkOutcome(outcome)
  if (checked.ok) return outcome
  runtime.sometimes('outcome-malformed')
  const detail = `${checked.path} ${checked.message}`
  log.warn('a connector answered what is no outcome', { instance, detail })
  return { outcome: 'unknown', detail: `what the connector answered is no outcome: ${detail}` }
}

/** What is wrong with an observation, without its values; null: it can be calculated with. */
export function faultOf(observation: unknown): string | null {
  const checked = checkObservation(observation)
  return checked.ok ? null : `what the system shows breaks its contract: ${checked.path} ${checked.message}`
}

function faultOfFailure(result: ReadResult): string | null {
  const checked = checkReadFailure(result)
  if (checked.ok) return null
  return `what the connector says of a failed read breaks its contract: ${checked.path} ${checked.message}`
}
