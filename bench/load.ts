import { createLeanConnection, type LeanConnection } from './lean-http.ts'
import type { Mode } from './under-test.ts'
import { flowAt, receiptEvent } from './workload.ts'

/**
 * The load generator. It sends receipts one after the other, repeats each request until it is acknowledged, and never sends a
 * lot's next receipt before the one before it was acknowledged. A flow is in the system from its sending until the
 * stub books its release.
 */
const EVENTS_PER_REQUEST = 100
const CONNECTIONS = { batched: 8, single: 128 } as const
/** Positions between two receipts of one lot: a quarter of the flows in the system, so that four of a lot overlap. */
const STRIDE = { batched: 512, single: 64 } as const
const POST_TIMEOUT_MS = 5_000
const RETRY_MS = 10

export interface Load {
  sent(): number
  /** Flow sent at this position. */
  flowAt(position: number): number
  /** Told by the stub: flows released so far. */
  released(flows: number): void
  /** From now on as many flows as the program takes, with at most `inSystemMax` in the system. */
  start(inSystemMax: number): void
  /** Sends no further receipt; resolves when the last request is acknowledged. */
  stop(): Promise<void>
  /** Sends one flow every `intervalMs` whatever becomes of the earlier ones; answers the intended send times (monotonic ms). */
  openLoop(input: { readonly intervalMs: number; readonly flows: number }): Promise<readonly number[]>
  /** Resolves when everything sent is released, or answers false after `timeoutMs`. */
  drained(timeoutMs: number): Promise<boolean>
  close(): void
}

export const monoNow = (): number => Number(process.hrtime.bigint() / 1000n) / 1000
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export function createLoad(input: { readonly port: number; readonly mode: Mode }): Load {
  const idle: LeanConnection[] = Array.from({ length: CONNECTIONS[input.mode] }, () => createLeanConnection(input.port))
  const all = [...idle]
  const step = input.mode === 'single' ? 1 : EVENTS_PER_REQUEST
  const stride = STRIDE[input.mode]
  const acked = new Set<number>()
  let ackedBelow = 0
  let sent = 0
  let released = 0
  let inRequests = 0
  let inSystemMax = 0
  let onQuiet: (() => void) | null = null
  let closed = false

  const acknowledge = (from: number, to: number): void => {
    for (let position = from; position < to; position += 1) acked.add(position)
    while (acked.delete(ackedBelow)) ackedBelow += 1
  }
  const isAcked = (position: number): boolean => position < ackedBelow || acked.has(position)
  /** The receipts before these in their lots have been acknowledged. */
  const mayFollow = (from: number, to: number): boolean => {
    if (to - stride <= ackedBelow) return true
    for (let position = Math.max(from, stride); position < to; position += 1) if (!isAcked(position - stride)) return false
    return true
  }

  const send = async (connection: LeanConnection, from: number, to: number): Promise<void> => {
    inRequests += 1
    const at = new Date().toISOString()
    let body = receiptEvent(flowAt(from, stride), at)
    if (input.mode === 'batched') {
      for (let position = from + 1; position < to; position += 1) body += `,${receiptEvent(flowAt(position, stride), at)}`
      body = `[${body}]`
    }
    const contentType = input.mode === 'batched' ? 'application/cloudevents-batch+json' : 'application/cloudevents+json'
    for (;;) {
      const status = await connection.post({ path: '/v1/events', contentType, body, timeoutMs: POST_TIMEOUT_MS })
      if (closed) return
      if (status >= 200 && status < 300) break
      if (status >= 400 && status < 500 && status !== 429) throw new Error(`the program under test refused a receipt with status ${status}`)
      await sleep(RETRY_MS)
    }
    inRequests -= 1
    acknowledge(from, to)
    idle.push(connection)
    admit()
  }

  const admit = (): void => {
    while (idle.length > 0 && sent - released + step <= inSystemMax && mayFollow(sent, sent + step)) {
      const connection = idle.pop()
      if (connection === undefined) break
      sent += step
      void send(connection, sent - step, sent)
    }
    if (inSystemMax === 0 && inRequests === 0) onQuiet?.()
  }

  const quiet = (): Promise<void> =>
    new Promise((resolve) => {
      onQuiet = () => {
        onQuiet = null
        resolve()
      }
      admit()
    })

  return {
    sent: () => sent,
    flowAt: (position) => flowAt(position, stride),
    released(flows) {
      released = flows
      admit()
    },
    start(max) {
      inSystemMax = max
      admit()
    },
    stop() {
      inSystemMax = 0
      return quiet()
    },
    async openLoop({ intervalMs, flows }) {
      const intended: number[] = []
      const start = monoNow() + intervalMs
      for (let flow = 0; flow < flows; flow += 1) {
        const at = start + flow * intervalMs
        await sleep(Math.max(0, at - monoNow()))
        intended.push(at)
        let connection = idle.pop()
        if (connection === undefined) {
          connection = createLeanConnection(input.port)
          all.push(connection)
        }
        sent += 1
        void send(connection, sent - 1, sent)
      }
      await quiet()
      return intended
    },
    async drained(timeoutMs) {
      const until = monoNow() + timeoutMs
      while (released < sent) {
        if (monoNow() > until) return false
        await sleep(5)
      }
      return true
    },
    close() {
      closed = true
      for (const connection of all) connection.close()
    },
  }
}
