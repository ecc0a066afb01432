import type { Log } from '../engine/deps.ts'
import { StoreRefused } from '../store/store.ts'
import { type Hub, type HubConfig, openHub } from './hub.ts'

/** Longer than any call to a target: what is in flight has its outcome by then. */
const DRAIN_MS_MAX = 25_000

/**
 * Runs a hub until SIGTERM or SIGINT, then drains, hands over and resolves 0. Resolves 1 when the store must not be used or
 * draining takes too long; ends the process with 1 at once when the disk fails under the store: nothing more can be kept then.
 */
export async function serveHub(config: HubConfig, started: (hub: Hub) => void): Promise<number> {
  const stop = stopSignal()
  const log = logTo(process.stderr)
  const onFailed = (detail: string): void => {
    log.warn('store.failed', { detail })
    process.exit(1)
  }
  try {
    const hub = await openHub({ log, onFailed }, config)
    started(hub)
    await stop
    return await drain(log, hub)
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error
    log.warn(error.code, { detail: error.message })
    return 1
  }
}

/** The first signal counts; a terminal and npm both repeat it. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve).on('SIGINT', resolve)
  })
}

async function drain(log: Log, hub: Hub): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(() => {
      log.warn('stopped without draining: a target did not answer in time; its commands count as unknown at the next start')
      resolve(1)
    }, DRAIN_MS_MAX)
  })
  const drained = hub.close().then(
    () => 0,
    (error: unknown) => {
      log.warn('stopping failed', { error: String(error) })
      return 1
    },
  )
  const code = await Promise.race([drained, late])
  clearTimeout(timer)
  return code
}

/** One JSON object a line. */
function logTo(stream: NodeJS.WritableStream): Log {
  const write = (level: string, message: string, fields?: Readonly<Record<string, unknown>>): void => {
    stream.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`)
  }
  return { info: (message, fields) => write('info', message, fields), warn: (message, fields) => write('warn', message, fields) }
}
