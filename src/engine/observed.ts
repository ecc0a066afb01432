/**
 * What a connector shows is checked before it counts: calculating with a quantity that is none throws, or worse, does
 * not. One subject that cannot be read says nothing about the others.
 */
import type { ReadResult } from '../connectors/connector.ts'
import { checkObservation } from '../model/schema.ts'
import type { EngineDeps } from './deps.ts'

/** An observation that breaks its contract is a failed read. Asked of every result: some microseconds each. */
export function checkedResult({ runtime }: EngineDeps, result: ReadResult): ReadResult {
  if (result.read === 'failed') return result
  const fault = faultOf(result.observation)
  if (fault === null) return result
  runtime.sometimes('observation-refused')
  return { read: 'failed', class: 'contract', delayMs: null, detail: fault }
}

/** What is wrong with an observation, without its values; null: it can be calculated with. */
export function faultOf(observation: unknown): string | null {
  const checked = checkObservation(observation)
  return checked.ok ? null : `what the system shows breaks its contract: ${checked.path} ${checked.message}`
}
