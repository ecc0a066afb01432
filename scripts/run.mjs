// node scripts/run.mjs [SCRIPT [ARGUMENTS]]: runs a script of this project on the pinned Node, installing first if
// needed. The first command on a fresh clone may be any npm script, on whatever Node the machine has. Forwards signals and the
// exit code; standard output belongs to the script alone.
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { ensureInstalled, stamp } from './install.mjs'
import { launch } from './launch.mjs'

const PARENT_POLL_MS = 500
const TERMINAL_GRACE_MS = 2_000
const GRACE_MS = 30_000

const args = process.argv.slice(2)
if (args[0] === '--stamp') stamp()
else await main()

async function main() {
  /** @type {() => void} */
  let stop = () => process.exit(1)
  if (process.env.npm_lifecycle_event !== undefined) watchParent(() => stop())
  try {
    await ensureInstalled()
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
  const [script] = args
  if (script === undefined) return // Installed, and nothing else was asked for.
  if (!existsSync(script)) fail(`${script} does not exist in ${process.cwd()}`)
  const child = launch(args)
  child.once('error', (error) => fail(`could not start Node: ${error.message}`))
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  forwardSignals(child)
  stop = () => {
    setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
    child.kill('SIGTERM')
  }
}

/**
 * The first signal counts: a terminal and npm both repeat it.
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  let stopping = false
  for (const name of /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGINT'])) {
    process.on(name, () => {
      if (stopping) return
      stopping = true
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
      // A terminal sends Ctrl-C to the child as well; once more would look like impatience.
      if (name === 'SIGINT' && process.stdin.isTTY) setTimeout(() => child.kill('SIGTERM'), TERMINAL_GRACE_MS).unref()
      else child.kill(name)
    })
  }
}

/**
 * npm killed outright takes nobody with it: notice that it is gone. npm scripts say `exec`, so that npm itself is the parent and its
 * signals arrive here, not at a shell.
 * @param {() => void} gone Called once.
 */
function watchParent(gone) {
  const parent = process.ppid
  const poll = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(poll)
    gone()
  }, PARENT_POLL_MS)
  poll.unref()
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  process.stderr.write(`holdpoint: ${sentence}\n`)
  process.exit(1)
}
