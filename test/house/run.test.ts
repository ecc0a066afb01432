import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { ROOT } from '../../scripts/launch.mjs'

const RUN = join(ROOT, 'scripts/run.mjs')
const CHILD = join(ROOT, 'test/house/fixtures/child.mjs')
const GONE_MS_MAX = 5_000

const folders: string[] = []
const pids: number[] = []
afterAll(() => {
  // Only what a failed test has left.
  for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

describe('a process started by run.mjs', () => {
  test('hands over its exit code and owns standard output', async () => {
    const wrapper = spawn(process.execPath, [RUN, CHILD, 'exit', '7'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    const output = collect(wrapper)
    expect(await exitCode(wrapper)).toBe(7)
    expect(await output).toMatch(/^\d+\n$/)
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGKILL', null],
  ] as const)('ends when the wrapper is sent %s', async (signal, code) => {
    const { wrapper, pid } = await startChild([])
    wrapper.kill(signal)
    expect(await exitCode(wrapper)).toBe(code)
    await expectGone(pid)
  })

  test('ends when the wrapper is killed outright, even if it is too busy to notice', async () => {
    const { wrapper, pid } = await startChild(['busy'])
    await sleep(300)
    wrapper.kill('SIGKILL')
    await expectGone(pid)
  })

  test('ends when the npm above the wrapper is killed outright', async () => {
    const env = { ...process.env, npm_lifecycle_event: 'start' }
    const npm = spawn('sh', ['-c', `"${process.execPath}" "${RUN}" "${CHILD}"; true`], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = await firstNumber(npm)
    npm.kill('SIGKILL')
    await expectGone(pid)
  })
})

describe('run.mjs on a clone', () => {
  test('installs once, and again when the lock file changes', async () => {
    const clone = freshClone({ npm: INSTALLS })
    expect(await clone.run()).toMatchObject({ code: 0, output: 'started\n' })
    expect(await clone.run()).toMatchObject({ code: 0 })
    expect(clone.npmCalls()).toEqual(['ci'])
    writeFileSync(join(clone.folder, 'package-lock.json'), '{"changed":true}')
    expect(await clone.run()).toMatchObject({ code: 0 })
    expect(clone.npmCalls()).toEqual(['ci', 'ci'])
  })

  test('installs once when two start at the same time', async () => {
    const clone = freshClone({ npm: `sleep 1\n${INSTALLS}` })
    const both = await Promise.all([clone.run(), clone.run()])
    expect(both.map((one) => one.code)).toEqual([0, 0])
    expect(clone.npmCalls()).toEqual(['ci'])
  })

  test('does not pass the settings of an outer npm on to npm ci, except where packages come from', async () => {
    const clone = freshClone({ npm: `env > "$CLONE/environment"\n${INSTALLS}` })
    await clone.run({ npm_config_loglevel: 'silent', npm_package_json: '/x', npm_config_registry: 'http://127.0.0.1:9/' })
    const names = readFileSync(join(clone.folder, 'environment'), 'utf8').match(/^npm_\w+/gim)
    expect(names).toEqual(['npm_config_registry'])
  })

  test.each([
    ['npm fails', 'exit 9', /npm ci ended with exit code 9/],
    [
      'npm is forbidden to run the script that brings Node',
      'mkdir -p "$CLONE/node_modules"',
      /holds Node none instead of v\d+.*allowScripts/,
    ],
  ])('says so when %s, and tries again next time', async (_, npm, sentence) => {
    const clone = freshClone({ npm })
    for (const calls of [1, 2]) {
      const { code, errors } = await clone.run()
      expect(code).toBe(1)
      expect(errors).toMatch(sentence)
      expect(clone.npmCalls()).toHaveLength(calls)
    }
  })

  test('stopped while installing, it stops npm and leaves no lock', async () => {
    const clone = freshClone({ npm: 'echo $$ > "$CLONE/npm-pid"\nsleep 60' })
    const wrapper = clone.start({})
    const npmPid = join(clone.folder, 'npm-pid')
    await until(() => existsSync(npmPid) && readFileSync(npmPid, 'utf8').endsWith('\n'))
    wrapper.kill('SIGTERM')
    expect(await exitCode(wrapper)).toBe(1)
    await expectGone(Number(readFileSync(npmPid, 'utf8')))
    expect(existsSync(join(clone.folder, '.holdpoint/installing'))).toBe(false)
  })
})

const INSTALLS = 'mkdir -p "$CLONE/node_modules/node/bin"\nln -sf "$REAL_NODE" "$CLONE/node_modules/node/bin/node"'

/** A folder with the scripts and an npm that does what `npm` says; it pins the Node that runs this test. */
function freshClone(options: { readonly npm: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-run-'))
  folders.push(folder)
  cpSync(join(ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true })
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/npm'), `#!/bin/sh\necho "$1" >> "$CLONE/npm-calls"\n${options.npm}\n`)
  chmodSync(join(folder, 'bin/npm'), 0o755)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ devDependencies: { node: process.versions.node } }))
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(join(folder, 'entry.mjs'), "console.log('started')")
  const env = { PATH: `${folder}/bin:${process.env.PATH}`, CLONE: folder, REAL_NODE: process.execPath }
  const start = (more: Readonly<Record<string, string>>) =>
    spawn(process.execPath, ['scripts/run.mjs', 'entry.mjs'], { cwd: folder, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    folder,
    start,
    run: async (more: Readonly<Record<string, string>> = {}) => {
      const wrapper = start(more)
      const [output, errors, code] = await Promise.all([collect(wrapper), collect(wrapper, 'stderr'), exitCode(wrapper)])
      return { code, output, errors }
    },
    npmCalls: () => readFileSync(join(folder, 'npm-calls'), 'utf8').trim().split('\n'),
  }
}

async function startChild(args: readonly string[]) {
  const wrapper = spawn(process.execPath, [RUN, CHILD, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  return { wrapper, pid: await firstNumber(wrapper) }
}

async function firstNumber(started: ChildProcess): Promise<number> {
  if (started.stdout === null) throw new Error('standard output is not a pipe')
  const [chunk] = await once(started.stdout, 'data')
  const pid = Number.parseInt(String(chunk), 10)
  expect(isAlive(pid)).toBe(true)
  pids.push(pid)
  return pid
}

async function exitCode(started: ChildProcess): Promise<number | null> {
  if (started.exitCode === null && started.signalCode === null) await once(started, 'exit')
  return started.exitCode
}

async function collect(started: ChildProcess, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  let text = ''
  for await (const chunk of started[stream] ?? []) text += String(chunk)
  return text
}

async function expectGone(pid: number): Promise<void> {
  await until(() => !isAlive(pid))
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + GONE_MS_MAX
  while (!condition()) {
    if (Date.now() > deadline) expect.fail(`not so after ${GONE_MS_MAX} ms: ${condition}`)
    await sleep(20)
  }
}

/** A zombie nobody has waited for is dead; only Linux tells. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync('/proc/self') || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
