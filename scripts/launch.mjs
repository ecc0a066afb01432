// Plain JavaScript that any Node from 18 can read: it runs before the pinned Node exists.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
export const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node')
const BIN = join(ROOT, 'node_modules', '.bin')
const LIFELINE = new URL('./lifeline.mjs', import.meta.url).href

/** The Node version that package.json pins. */
export function pinnedNode() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).devDependencies.node
}

/** PATH with this project's tools, hence the pinned Node, first. */
export function pathWithTools() {
  return [BIN, ...pathWithoutTools().split(':')].join(':')
}

/** PATH without this project's tools: for npm, which must not run on the Node that it is replacing. */
export function pathWithoutTools() {
  return (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => folder !== BIN)
    .join(':')
}

/** npm hands its own settings to scripts as variables; these come from people and decide where packages come from. */
const KEPT_SETTINGS = /^npm_config_(registry|cafile|proxy|https_proxy|noproxy|userconfig|globalconfig|cache|strict_ssl)$/i

/**
 * Starts npm on the machine's own Node, without what an npm above us left in the environment. It ends, with all its children,
 * when this process ends.
 * @param {string[]} args
 * @param {{ output: 'pipe' | 'stderr', cwd: string }} options
 */
export function launchNpm(args, options) {
  const clean = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || KEPT_SETTINGS.test(name))
  const output = options.output === 'stderr' ? process.stderr : 'pipe'
  return spawn('npm', args, {
    cwd: options.cwd,
    env: {
      ...Object.fromEntries(clean),
      PATH: pathWithoutTools(),
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${LIFELINE}`.trim(),
      HOLDPOINT_LIFELINE: 'group at once', // npm ci goes on after a polite signal.
    },
    detached: true,
    stdio: ['ignore', output, output, 'pipe'],
  })
}

/**
 * Signals a child that leads a group, and everything in the group.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
export function signalGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // All gone.
  }
}

/**
 * Starts a script on the pinned Node. It ends when this process ends, killed or not.
 * `group`: the child leads a process group of its own, and all of it ends together.
 * @param {string[]} args Script and its arguments.
 * @param {{ group?: boolean, output?: 'inherit' | 'pipe', input?: 'inherit' | 'ignore', cwd?: string }} [options]
 */
export function launch(args, options = {}) {
  const output = options.output ?? 'inherit'
  return spawn(existsSync(NODE) ? NODE : process.execPath, ['--import', LIFELINE, ...args], {
    cwd: options.cwd,
    env: { ...process.env, PATH: pathWithTools(), HOLDPOINT_LIFELINE: options.group ? 'group' : 'self' },
    detached: options.group ?? false,
    stdio: [options.input ?? 'inherit', output, output, 'pipe'],
  })
}
