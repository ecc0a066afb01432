// Installs what package-lock.json names, if node_modules does not hold it yet. Plain JavaScript, see launch.mjs.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launchNpm, NODE, pinnedNode, ROOT, signalGroup } from './launch.mjs'

const STAMP = join(ROOT, 'node_modules', '.holdpoint-stamp')
const LOCK = join(ROOT, '.holdpoint', 'installing')
const SIGN_OF_LIFE_MS = 5_000
const LOCK_POLL_MS = 500
const LOCK_WAIT_MS_MAX = 300_000

/** Remembers that node_modules holds what the lock file names. npm calls it after every install (script `prepare`). */
export function stamp() {
  if (existsSync(join(ROOT, 'node_modules'))) writeFileSync(STAMP, lockHash())
}

/** Throws an Error with a sentence for people when the project cannot be made ready. */
export async function ensureInstalled() {
  if (isInstalled()) return
  await withLock(async () => {
    if (!isInstalled()) await install()
  })
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash() && nodeVersion() === `v${pinnedNode()}`
}

async function install() {
  say('Installing what package-lock.json names (first run, or the lock file has changed)')
  rmSync(STAMP, { force: true }) // What is half done must not look whole.
  const startedAt = Date.now()
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  const alive = setInterval(() => say(`still installing, ${seconds()}`), SIGN_OF_LIFE_MS)
  try {
    await npmCi()
  } finally {
    clearInterval(alive)
  }
  const version = nodeVersion()
  if (version !== `v${pinnedNode()}`) {
    throw new Error(
      `npm ci succeeded, yet node_modules holds Node ${version ?? 'none'} instead of v${pinnedNode()}. ` +
        'npm must be allowed to run the install script of the package "node" (allowScripts in package.json; not --ignore-scripts).',
    )
  }
  stamp()
  say(`Installed in ${seconds()}; running on Node ${version}`)
}

function npmCi() {
  // Before npm starts: a signal that comes between would end this process and leave npm behind.
  const stop = () => signalGroup(npm, 'SIGKILL')
  process.once('SIGTERM', stop).once('SIGINT', stop)
  const npm = launchNpm(['ci', '--loglevel=error', '--no-fund', '--no-audit'], { cwd: ROOT, output: 'stderr' })
  return new Promise((resolve, reject) => {
    npm.once('error', (cause) => reject(new Error(`npm could not be started: ${cause.message}`, { cause })))
    npm.once('exit', (code, signal) => {
      process.off('SIGTERM', stop).off('SIGINT', stop)
      if (code === 0) resolve(undefined)
      else reject(new Error(`npm ci ended with ${signal ?? `exit code ${code}`}; run it by hand to see more.`))
    })
  })
}

/**
 * One installation at a time: a second terminal waits, and finds the work done.
 * @param {() => Promise<void>} work
 */
async function withLock(work) {
  mkdirSync(join(ROOT, '.holdpoint'), { recursive: true })
  const deadline = Date.now() + LOCK_WAIT_MS_MAX
  while (!takeLock()) {
    if (Date.now() > deadline) throw new Error(`Another installation has been running too long; if there is none, delete ${LOCK}.`)
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
  try {
    await work()
  } finally {
    rmSync(LOCK, { force: true })
  }
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    if (!holderIsAlive()) rmSync(LOCK, { force: true })
    return false
  }
}

function holderIsAlive() {
  try {
    const pid = Number(readFileSync(LOCK, 'utf8'))
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
}

function nodeVersion() {
  try {
    return execFileSync(NODE, ['-v'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`holdpoint: ${text}\n`)
}
