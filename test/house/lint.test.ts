import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../../scripts/launch.mjs'

/** One line of code, and the rule that must find it in the engine. `edge`: the same line is allowed in the command line program. */
const PLANTED: readonly { readonly code: string; readonly rule: string; readonly edge?: true }[] = [
  { code: "export const a = () => fetch('x')", rule: 'noRestrictedGlobals', edge: true },
  { code: 'export const a = () => process.exit(1)', rule: 'noRestrictedGlobals', edge: true },
  { code: 'export const a = () => setTimeout(String, 1)', rule: 'noRestrictedGlobals', edge: true },
  { code: 'export const a = () => setInterval(String, 1)', rule: 'noRestrictedGlobals', edge: true },
  { code: 'export const a = () => setImmediate(String)', rule: 'noRestrictedGlobals', edge: true },
  { code: 'export const a = () => queueMicrotask(String)', rule: 'noRestrictedGlobals', edge: true },
  { code: "export { readFileSync } from 'node:fs'", rule: 'noNodejsModules', edge: true },
  { code: "console.log('x')", rule: 'noConsole', edge: true },
  { code: 'const a = async () => 1\na()', rule: 'noFloatingPromises' },
  { code: 'export default 1', rule: 'noDefaultExport' },
  { code: 'export enum A { B }', rule: 'noEnum' },
  { code: 'export class A { constructor(private b: number) { this.b += 1 } }', rule: 'noParameterProperties' },
  { code: 'export const a: any = 1', rule: 'noExplicitAny' },
  { code: 'export const a = (b: 1, c: 2, d: 3, e: 4) => [b, c, d, e]', rule: 'useMaxParams' },
  { code: "export * from './b.ts'", rule: 'noReExportAll' },
  { code: 'const a = 1', rule: 'noUnusedVariables' },
]

const folder = mkdtempSync(join(tmpdir(), 'holdpoint-lint-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the linter finds each planted violation, and lets the edge do its work', () => {
  const config = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
  delete config.$schema
  write('biome.json', JSON.stringify(config))
  write('.gitignore', 'node_modules/\n')
  for (const [index, { code }] of PLANTED.entries()) {
    write(`src/engine/planted-${index}.ts`, `${code}\n`)
    write(`src/cli/planted-${index}.ts`, `${code}\n`)
  }
  const found = lint()
  const missed = PLANTED.filter(({ rule }, index) => !found.has(`src/engine/planted-${index}.ts ${rule}`))
  const wrong = PLANTED.filter(({ rule, edge }, index) => edge && found.has(`src/cli/planted-${index}.ts ${rule}`))
  expect({ missed, wrong }).toEqual({ missed: [], wrong: [] })
})

/** `path rule` of everything the linter calls an error. */
function lint(): ReadonlySet<string> {
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/biome'), ['lint', '--reporter=json', '--max-diagnostics=500', '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: readonly { category: string; severity: string; location: { path: string } }[]
  }
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  return new Set(errors.map(({ category, location }) => `${location.path} ${category.split('/').at(-1)}`))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
