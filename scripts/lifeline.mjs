// Preloaded into every process that launch.mjs starts. Descriptor 3 is a pipe whose other end only the starter holds: when it
// closes, the starter is gone, however it died, and this process goes too. The watch sits in a thread of its own, so that a
// busy main thread cannot hide the end of its parent.
import { isMainThread, Worker } from 'node:worker_threads'

const target = process.env.HOLDPOINT_LIFELINE
if (isMainThread && target !== undefined) {
  delete process.env.HOLDPOINT_LIFELINE // Not for grandchildren: descriptor 3 is not theirs.
  const pid = target === 'self' ? process.pid : -process.pid
  new Worker(new URL('./lifeline-watch.mjs', import.meta.url), {
    workerData: { pid, atOnce: target === 'group at once' },
    execArgv: [],
    env: {},
  }).unref()
}
