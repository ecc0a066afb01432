/** Where an input came from: the record of a system instance, and its version there when the resource is versioned. */
export interface SourceIdentity {
  readonly instance: string
  /** Native key: resource and record, for example `receipt/5000001` or `inspection/QI-17`. */
  readonly record: string
  readonly version: string | null
}

/** `instance/record@version`: the text form used in references, causes and exceptions. */
export function sourceIdentityText(source: SourceIdentity): string {
  return source.version === null ? `${source.instance}/${source.record}` : `${source.instance}/${source.record}@${source.version}`
}

/**
 * A fact. CloudEvents 1.0 with documented extensions when it leaves the hub; this is its form inside.
 * Types are `holdpoint.<object>.<pastTense>.v<major>`. All times are RFC 3339 UTC with milliseconds.
 */
export interface DomainEvent<D = unknown> {
  readonly type: string
  /** The object the event is about. */
  readonly subject: string
  readonly source: SourceIdentity
  /** Time in the plant, as the source states it. */
  readonly occurredAt: string
  /** Time the hub received the input (for an internal event: of the input that caused it). */
  readonly receivedAt: string
  readonly data: D
}

/** Address of an event: of an input (ordinal 0), or of an internal event inside its decision record (ordinal from 1). */
export interface EventAddress {
  readonly partition: number
  readonly sequence: number
  readonly ordinal: number
}

/** An event as a process sees it. `recordedAt` is the only time a process knows. */
export interface RecordedEvent<D = unknown> extends DomainEvent<D> {
  readonly address: EventAddress
  readonly recordedAt: string
}

/** The three lanes above reporting; a hold is always `safety`. */
export type Lane = 'safety' | 'critical' | 'normal' | 'reporting'
export const LANES: readonly Lane[] = ['safety', 'critical', 'normal', 'reporting']
