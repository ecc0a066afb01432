// Runs dependency-cruiser and makes sure that it saw every file: a cruiser that cannot read TypeScript passes everything.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './launch.mjs'

export interface Violation {
  readonly rule: string
  readonly from: string
  readonly to: string
}

const FOLDERS = ['src', 'test', 'bench', 'scripts', 'console']
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** Violations of .dependency-cruiser.mjs in the tree at `folder`. Throws if not every source file was cruised. */
export function cruise(folder: string): readonly Violation[] {
  const folders = FOLDERS.filter((name) => existsSync(join(folder, name)))
  const sources = folders.flatMap((name) => sourceFiles(folder, name)).sort()
  const args = [
    join(ROOT, 'node_modules/.bin/depcruise'),
    '--config',
    join(ROOT, '.dependency-cruiser.mjs'),
    '--output-type',
    'json',
    ...folders,
  ]
  const { modules, summary } = JSON.parse(depcruise(args, folder)) as CruiseResult
  const cruised = new Set(modules.map((module) => module.source))
  const unseen = sources.filter((file) => !cruised.has(file))
  if (unseen.length > 0 || sources.length === 0) {
    throw new Error(
      `dependency-cruiser saw ${sources.length - unseen.length} of ${sources.length} source files; unseen: ${unseen.join(', ')}`,
    )
  }
  return summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }))
}

/** Every TypeScript and module file below `name`, relative to `folder`. */
export function sourceFiles(folder: string, name: string): readonly string[] {
  return readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name) && !/node_modules/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

interface CruiseResult {
  readonly modules: readonly { readonly source: string }[]
  readonly summary: {
    readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string; readonly to: string }[]
  }
}

/** Its exit code counts violations; the output is what matters. */
function depcruise(args: readonly string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, args, {
      cwd,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    if (output.startsWith('{')) return output
    throw error
  }
}

if (import.meta.main) {
  const violations = cruise(ROOT)
  for (const { rule, from, to } of violations) console.error(`${from} → ${to}: ${rule}`)
  if (violations.length === 0) console.log('no import crosses a boundary')
  process.exitCode = violations.length > 0 ? 1 : 0
}
