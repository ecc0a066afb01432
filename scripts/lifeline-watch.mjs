// See lifeline.mjs. Asks politely first; what is left after the grace is killed.
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'

const GRACE_MS = 10_000

const line = new Socket({ fd: 3, readable: true, writable: false })
line.resume()
line.on('error', () => {})
line.once('close', () => {
  if (workerData.atOnce) return signal('SIGKILL')
  signal('SIGTERM')
  setTimeout(() => signal('SIGKILL'), GRACE_MS)
})

/** @param {NodeJS.Signals} name */
function signal(name) {
  try {
    process.kill(workerData.pid, name)
  } catch {
    // Already gone.
  }
}
