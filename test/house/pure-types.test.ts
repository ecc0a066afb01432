import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../../scripts/launch.mjs'

const TSC = join(ROOT, 'node_modules/.bin/tsc')

/** What a pure file must not even be able to name. Each line stands where its error must be. */
const IMPURE = [
  "export const net = fetch('http://localhost')",
  'export const env = process.env',
  'export const timer = setTimeout(() => 1, 1)',
  'export const micro = queueMicrotask(() => 1)',
  "export const print = console.log('x')",
  'export const uuid = crypto.randomUUID()',
  "export const bytes = Buffer.from('x')",
  "export * as files from 'node:fs'",
  "export * as raw from 'fs'",
  'export const page = window',
]
/** A pure file may use the language and the model with its libraries, whose types must not bring Node's along. */
const PURE = "import { Quantity } from '../../src/model/quantity.ts'\nexport const quantity = [Quantity].map((one) => one)\n"

mkdirSync(join(ROOT, '.holdpoint'), { recursive: true })
const folder = mkdtempSync(join(ROOT, '.holdpoint', 'pure-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('tsc is the native compiler', () => {
  expect(execFileSync(TSC, ['-v'], { encoding: 'utf8' }).trim()).toBe('Version 7.0.2')
})

test('a pure file compiles', () => {
  expect(errorLines(PURE)).toEqual([])
})

test('clock, network, process and files cannot be named in a pure file', () => {
  expect(errorLines(`${IMPURE.join('\n')}\n${PURE}`)).toEqual(IMPURE.map((_, index) => index + 1))
})

/** Line numbers of the errors that tsconfig.pure.json finds in `source`. */
function errorLines(source: string): readonly number[] {
  writeFileSync(join(folder, 'planted.ts'), source)
  const config = { extends: join(ROOT, 'tsconfig.pure.json'), include: [], files: [join(folder, 'planted.ts')] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { stdout, status } = spawnSync(TSC, ['-p', join(folder, 'tsconfig.json')], { encoding: 'utf8' })
  const lines = [...stdout.matchAll(/planted\.ts\((\d+),/g)].map((match) => Number(match[1]))
  expect(status === 0, stdout).toBe(lines.length === 0)
  return [...new Set(lines)]
}
