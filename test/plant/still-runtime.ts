import { openRealRuntime, type RealRuntime } from '../../src/runtime/real.ts'
import type { Runtime } from '../../src/runtime.ts'

/** Real sockets, and time that stands still until a test moves it. */
export interface StillRuntime extends Runtime {
  /** Moves time on and fires what became due, in order of its due time. */
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

export function openStillRuntime(options: { readonly random?: () => number } = {}): StillRuntime {
  const real: RealRuntime = openRealRuntime({
    onHandlerError: (error) => {
      throw error
    },
  })
  const START_MS = Date.parse('2026-11-02T08:00:00.000Z')
  let nowMs = 0
  let timers: { readonly atMs: number; readonly fire: () => void }[] = []
  const setTimer = (ms: number, fire: () => void): (() => void) => {
    const timer = { atMs: nowMs + ms, fire }
    timers.push(timer)
    return () => {
      timers = timers.filter((other) => other !== timer)
    }
  }
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimer(ms, resolve))
  return {
    ...real,
    net: real.net,
    clock: { wallNow: () => START_MS + nowMs, monoNow: () => nowMs, sleep, setTimer },
    random: { next: options.random ?? (() => 0.5) },
    advance: async (ms) => {
      const untilMs = nowMs + ms
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (due === undefined) break
        timers = timers.filter((timer) => timer !== due)
        nowMs = Math.max(nowMs, due.atMs)
        due.fire()
        await new Promise((resolve) => setImmediate(resolve))
      }
      nowMs = untilMs
    },
    close: () => real.close(),
  }
}

/** What a plain HTTP client sees of a system. */
export async function post(
  runtime: Runtime,
  url: string,
  body: unknown,
): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Readonly<Record<string, string>> }> {
  const result = await runtime.net.request({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(body)),
    timeoutMs: 5_000,
  })
  if (result.kind !== 'response') throw new Error(`${result.kind}: ${result.reason}`)
  return {
    status: result.response.status,
    body: JSON.parse(new TextDecoder().decode(result.response.body)),
    headers: result.response.headers,
  }
}

export async function get(runtime: Runtime, url: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const result = await runtime.net.request({ method: 'GET', url, headers: {}, body: null, timeoutMs: 5_000 })
  if (result.kind !== 'response') throw new Error(`${result.kind}: ${result.reason}`)
  return { status: result.response.status, body: JSON.parse(new TextDecoder().decode(result.response.body)) }
}
