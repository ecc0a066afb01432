import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../scripts/launch.mjs'
import { ERRORS } from '../src/errors.ts'
import { PROJECTS } from '../vitest.config.ts'
import { anyCount, checksNodeVersion, lineCount, RULES, type SourceFile } from './house/rules.ts'

const NOT_OURS: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', '.git', '.holdpoint'])
const ANY_PER_LINES = 1_000
const FILES = walk('').map((path): SourceFile => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
const PACKAGE = JSON.parse(read('package.json'))

describe.each(RULES)('$name', (rule) => {
  test('the rule finds what it forbids and nothing else', () => {
    for (const file of rule.bad) expect(rule.applies(file.path) && rule.find(file).length > 0, `${file.path}: ${file.text}`).toBe(true)
    for (const file of rule.good) expect(rule.find(file), `${file.path}: ${file.text}`).toEqual([])
  })

  test('the project keeps it', () => {
    const files = FILES.filter((file) => rule.applies(file.path))
    expect(files.length).toBeGreaterThan(0)
    expect(files.flatMap((file) => rule.find(file).map((finding) => `${file.path} ${finding}`))).toEqual([])
  })
})

test(`any is used less than once per ${ANY_PER_LINES} lines`, () => {
  expect(anyCount({ path: 'a.ts', text: 'const a: any = 1 as any; const any = 2' })).toBe(2)
  const code = FILES.filter((file) => file.path.endsWith('.ts'))
  const lines = code.reduce((sum, file) => sum + lineCount(file.text), 0)
  const uses = code.reduce((sum, file) => sum + anyCount(file), 0)
  expect(uses).toBeLessThanOrEqual(lines / ANY_PER_LINES)
})

test('every error code has its runbook, and every runbook its code', () => {
  const runbooks = readdirSync(join(ROOT, 'docs/runbooks')).filter((name) => name !== 'README.md')
  expect(runbooks.sort()).toEqual(
    Object.keys(ERRORS)
      .map((code) => `${code}.md`)
      .sort(),
  )
})

test('every program checks the version of Node before anything else', () => {
  const scripts: string[] = Object.values(PACKAGE.scripts)
  const programs = scripts.flatMap((command) => command.match(/(?<=run\.mjs )\S+\.ts/g) ?? [])
  expect(programs).toContain('src/main.ts')
  for (const path of new Set([...programs, 'scripts/fresh-clone.ts'])) {
    expect(checksNodeVersion({ path, text: read(path) }), path).toBe(true)
  }
})

test('every test file belongs to one project, and npm test or .ci/run runs every project', () => {
  const patterns = Object.entries(PROJECTS).map(([name, globs]) => ({ name, globs }))
  const used = new Set<string>()
  for (const { path } of FILES.filter((file) => file.path.endsWith('.test.ts'))) {
    const owners = patterns.filter(({ globs }) => globs.some((glob) => matches(path, glob))).map(({ name }) => name)
    expect(owners, path).toHaveLength(1)
    used.add(owners[0] ?? '')
  }
  const run = [...`${read('scripts/check.ts')}${read('scripts/ci.ts')}`.matchAll(/vitest: '(\w+)'/g)].map((match) => match[1])
  expect([...used].filter((name) => !run.includes(name))).toEqual([])
})

test('every relative link in the documents leads somewhere', () => {
  const broken = FILES.filter((file) => file.path.endsWith('.md')).flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((to) => !existsSync(join(ROOT, dirname(path), to))),
  )
  expect(broken).toEqual([])
})

test('npm scripts replace their shell, so that the signals npm passes on arrive', () => {
  const own = Object.entries<string>(PACKAGE.scripts).filter(([name]) => !name.startsWith('pre'))
  expect(own.filter(([, command]) => !command.startsWith('exec node scripts/run.mjs '))).toEqual([])
})

test('what package.json pins is what runs', () => {
  expect(process.version).toBe(`v${PACKAGE.devDependencies.node}`)
  expect(Object.keys(PACKAGE.allowScripts)).toContain('node')
})

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (NOT_OURS.has(entry.name)) return []
    return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : []
  })
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Enough of a glob for vitest.config.ts: `**` + `/` and `*`. */
function matches(path: string, glob: string): boolean {
  const pattern = glob
    .replaceAll('.', '\\.')
    .replaceAll('**/', '(?:.+/)?')
    .replaceAll(/(?<!\()\*(?!\))/g, '[^/]*')
  return new RegExp(`^${pattern}$`).test(path)
}
