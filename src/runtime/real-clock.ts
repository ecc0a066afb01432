import type { Clock } from '../runtime.ts'

/** `setTimeout` fires at once beyond 2^31-1 ms (24.8 days); longer waits go in stages. */
const STAGE_MS_MAX = 2_147_483_647

export function createRealClock(): Clock {
  return {
    wallNow: () => Date.now(),
    monoNow: () => performance.now(),
    setTimer,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = (): void => {
          cancel()
          reject(signal?.reason)
        }
        const cancel = setTimer(ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort)
      }),
  }
}

function setTimer(ms: number, fire: () => void): () => void {
  let handle = stage(ms, fire, (next) => {
    handle = next
  })
  return () => clearTimeout(handle)
}

function stage(ms: number, fire: () => void, onNext: (handle: NodeJS.Timeout) => void): NodeJS.Timeout {
  if (ms <= STAGE_MS_MAX) return setTimeout(fire, ms)
  return setTimeout(() => onNext(stage(ms - STAGE_MS_MAX, fire, onNext)), STAGE_MS_MAX)
}
