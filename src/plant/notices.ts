import type { Runtime } from '../runtime.ts'

/** A native notice in the form of CloudEvents 1.0. Repeated deliveries carry the same bytes. */
export interface Notice {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: unknown
}

/** How notices are pushed. At least once, in no order; shares are 0 to 1. */
export interface PushSettings {
  /** Full URL of the receiver's intake; null: nothing is pushed, notices wait. */
  readonly url: string | null
  readonly token: string | null
  readonly batchMax: number
  readonly inFlightMax: number
  readonly timeoutMs: number
  /** Every delivery waits up to this long, which also reorders. */
  readonly delayMsMax: number
  /** Share of notices that are never sent. */
  readonly lostShare: number
  /** Share of notices that are sent once more after they were acknowledged, up to `duplicateDelayMsMax` later. */
  readonly duplicateShare: number
  readonly duplicateDelayMsMax: number
  readonly retryMs: number
  readonly retryMsMax: number
}

export const PUSH_DEFAULTS: PushSettings = {
  url: null,
  token: null,
  batchMax: 1,
  inFlightMax: 4,
  timeoutMs: 10_000,
  delayMsMax: 0,
  lostShare: 0,
  duplicateShare: 0,
  duplicateDelayMsMax: 0,
  retryMs: 500,
  retryMsMax: 10_000,
}

export interface Notices {
  publish(type: string, subject: string, data: unknown): void
  /** Notices with a sequence greater than `after`, published not later than `untilMs` (monotonic), oldest first. */
  page(
    after: number,
    limit: number,
    untilMs: number,
  ): { readonly items: readonly Notice[]; readonly cursor: number; readonly more: boolean }
  all(): readonly Notice[]
  /** Sends a known notice again, or a forged one of a person's making. */
  send(notice: Notice): void
  setPush(change: Partial<PushSettings>): void
  /** Notices not yet acknowledged, duplicates under way included. */
  pending(): number
  /** Deliveries that were attempted and acknowledged, and notices that were lost. */
  counts(): { readonly attempts: number; readonly acknowledged: number; readonly duplicates: number; readonly lost: number }
  open(): void
  close(): void
}

interface Waiting {
  readonly notice: Notice
  readonly dueMs: number
  readonly duplicate: boolean
}

const encoder = new TextEncoder()

/** The newest `NOTICES_MAX` are kept for paging; a reader further behind has lost some, as with a real change log. */
const NOTICES_MAX = 1_000_000

export function createNotices(
  deps: { readonly runtime: Runtime },
  options: { readonly instance: string; readonly push: Partial<PushSettings> },
): Notices {
  const { clock, random, net } = deps.runtime
  let push: PushSettings = { ...PUSH_DEFAULTS, ...options.push }
  const log: { readonly notice: Notice; readonly atMs: number }[] = []
  let dropped = 0
  let waiting: Waiting[] = []
  let sending = 0
  let underway = 0
  let failures = 0
  let pausedUntilMs = 0
  let open = false
  let cancelTimer: (() => void) | null = null
  const counts = { attempts: 0, acknowledged: 0, duplicates: 0, lost: 0 }

  const delay = (msMax: number): number => (msMax > 0 ? Math.floor(random.next() * (msMax + 1)) : 0)

  const enqueue = (notice: Notice): void => {
    if (push.lostShare > 0 && random.next() < push.lostShare) {
      counts.lost += 1
      return
    }
    waiting.push({ notice, dueMs: clock.monoNow() + delay(push.delayMsMax), duplicate: false })
    pump()
  }

  const takeDue = (): Waiting[] => {
    const now = clock.monoNow()
    const taken: Waiting[] = []
    let looked = 0
    while (looked < waiting.length && taken.length < push.batchMax) {
      const entry = waiting[looked]
      if (entry !== undefined && entry.dueMs <= now) taken.push(entry)
      looked += 1
    }
    // The usual case by far: everything at the front is due.
    if (taken.length === looked) waiting.splice(0, looked)
    else if (taken.length > 0) waiting = waiting.filter((entry) => !taken.includes(entry))
    return taken
  }

  const settle = (taken: readonly Waiting[], delivered: boolean): void => {
    const now = clock.monoNow()
    if (!delivered) {
      failures += 1
      pausedUntilMs = now + Math.min(push.retryMsMax, push.retryMs * 2 ** Math.min(failures - 1, 10))
      waiting.unshift(...taken)
      return
    }
    failures = 0
    pausedUntilMs = 0
    counts.acknowledged += taken.length
    for (const { notice, duplicate } of taken) {
      if (duplicate || push.duplicateShare <= 0 || random.next() >= push.duplicateShare) continue
      counts.duplicates += 1
      waiting.push({ notice, dueMs: now + delay(push.duplicateDelayMsMax), duplicate: true })
    }
  }

  const deliver = async (url: string, taken: readonly Waiting[]): Promise<void> => {
    sending += 1
    underway += taken.length
    counts.attempts += taken.length
    const single = taken.length === 1 ? taken[0]?.notice : undefined
    const result = await net.request({
      method: 'POST',
      url,
      headers: {
        'content-type': single === undefined ? 'application/cloudevents-batch+json' : 'application/cloudevents+json',
        ...(push.token === null ? {} : { authorization: `Bearer ${push.token}` }),
      },
      body: encoder.encode(JSON.stringify(single ?? taken.map(({ notice }) => notice))),
      timeoutMs: push.timeoutMs,
    })
    sending -= 1
    underway -= taken.length
    settle(taken, result.kind === 'response' && result.response.status >= 200 && result.response.status < 300)
    pump()
  }

  const armTimer = (): void => {
    cancelTimer?.()
    cancelTimer = null
    if (!open || waiting.length === 0 || sending >= push.inFlightMax || push.url === null) return
    const now = clock.monoNow()
    const firstDueMs = waiting.reduce((earliest, entry) => Math.min(earliest, entry.dueMs), Number.POSITIVE_INFINITY)
    cancelTimer = clock.setTimer(Math.max(0, Math.max(firstDueMs, pausedUntilMs) - now), pump)
  }

  const pump = (): void => {
    const { url } = push
    while (open && url !== null && sending < push.inFlightMax && clock.monoNow() >= pausedUntilMs) {
      const taken = takeDue()
      if (taken.length === 0) break
      void deliver(url, taken)
    }
    armTimer()
  }

  return {
    publish: (type, subject, data) => {
      const sequence = dropped + log.length + 1
      const notice: Notice = {
        specversion: '1.0',
        id: `${options.instance}-${sequence}`,
        source: options.instance,
        type,
        subject,
        time: new Date(clock.wallNow()).toISOString(),
        datacontenttype: 'application/json',
        data,
      }
      log.push({ notice, atMs: clock.monoNow() })
      if (log.length > NOTICES_MAX) {
        log.splice(0, NOTICES_MAX / 10)
        dropped += NOTICES_MAX / 10
      }
      enqueue(notice)
    },
    page: (after, limit, untilMs) => {
      const start = Math.max(0, after - dropped)
      const visible: Notice[] = []
      for (let index = start; index < log.length && visible.length < limit; index += 1) {
        const entry = log[index]
        if (entry === undefined || entry.atMs > untilMs) break
        visible.push(entry.notice)
      }
      const cursor = dropped + start + visible.length
      const next = log[cursor - dropped]
      return { items: visible, cursor, more: next !== undefined && next.atMs <= untilMs }
    },
    all: () => log.map(({ notice }) => notice),
    send: enqueue,
    setPush: (change) => {
      push = { ...push, ...change }
      failures = 0
      pausedUntilMs = 0
      pump()
    },
    pending: () => waiting.length + underway,
    counts: () => counts,
    open: () => {
      open = true
      pump()
    },
    close: () => {
      open = false
      cancelTimer?.()
      cancelTimer = null
    },
  }
}
