import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import config, { LAYERS, UNLIMITED } from '../.dependency-cruiser.mjs'
import { cruise, sourceFiles } from '../scripts/boundaries.ts'
import { ROOT } from '../scripts/launch.mjs'

/** Rule → the file that breaks it, and what it imports, as a type only. Each file breaks nothing else. */
const PLANTED: Readonly<Record<string, readonly [file: string, imported: string]>> = {
  'errors-and-assert-know-nobody': ['src/assert.ts', './model/lot.ts'],
  'runtime-port-knows-nobody': ['src/runtime.ts', './model/lot.ts'],
  'real-runtime-is-alone': ['src/runtime/real.ts', '../model/lot.ts'],
  'simulated-runtime-is-deterministic': ['src/runtime/simulated.ts', 'node:fs'],
  'model-is-pure': ['src/model/planted.ts', 'node:fs'],
  'verbs-are-pure': ['src/process/planted.ts', '../store/store.ts'],
  'engine-is-generic': ['src/engine/planted.ts', '../process/gate.ts'],
  'store-port-is-abstract': ['src/store/store.ts', './memory/memory.ts'],
  'sqlite-is-a-store': ['src/store/sqlite/planted.ts', '../memory/memory.ts'],
  'stores-are-strangers': ['src/store/memory/planted.ts', 'node:fs'],
  'transport-port-is-abstract': ['src/transport/transport.ts', './local/local.ts'],
  'transports-are-strangers': ['src/transport/http/planted.ts', '../local/local.ts'],
  'mappings-are-pure': ['src/connectors/alpha/mapping.ts', './source.ts'],
  'connector-port-is-abstract': ['src/connectors/connector.ts', './beta/source.ts'],
  'kits-know-no-system': ['src/connectors/kit/odata/planted.ts', '../../beta/source.ts'],
  'connectors-are-strangers': ['src/connectors/alpha/planted.ts', '../beta/source.ts'],
  'http-only-calls': ['src/http/planted.ts', '../store/memory/memory.ts'],
  'security-and-observe-are-leaves': ['src/security/planted.ts', '../engine/turn.ts'],
  'plant-programs-run-one-system': ['src/plant/erp/main.ts', '../../model/lot.ts'],
  'plant-disk-is-a-file': ['src/plant/sqlite-disk.ts', './erp/erp.ts'],
  'plant-is-isolated': ['src/plant/planted.ts', '../model/lot.ts'],
  'doors-only-forward': ['src/doors/planted.ts', '../engine/turn.ts'],
  'no-cycles': ['src/model/round.ts', './trip.ts'],
  'no-orphans': ['src/model/alone.ts', ''],
  resolvable: ['src/cli/nowhere.ts', './gone.ts'],
  'nobody-imports-the-edge': ['scripts/planted.ts', '../src/cli/cli.ts'],
  'product-knows-no-tests': ['src/cli/tests.ts', '../../test/contract/suite.ts'],
  'nobody-imports-doors': ['src/cli/doors.ts', '../doors/model.ts'],
  'product-has-no-development-library': ['src/cli/development.ts', 'vitest'],
  'console-is-a-client': ['console/planted.ts', '../src/model/lot.ts'],
  'nobody-imports-the-console': ['src/cli/console.ts', '../../console/client.ts'],
}

/** What the planted files import, all of it lawful; importing the runtime port keeps it off the list of orphans. */
const LAWFUL: Readonly<Record<string, string>> = {
  'src/model/lot.ts': "import 'typebox'\nimport 'decimal.js'\nexport type Lot = string",
  'src/model/trip.ts': "import type { planted } from './round.ts'\nexport const trip: typeof planted | null = null",
  'src/errors.ts': 'export const errors = 1',
  'src/process/process.ts': "import '../model/lot.ts'\nexport const process = 1",
  'src/process/gate.ts': "import '../reconcile/reconcile.ts'\nimport './process.ts'",
  'src/reconcile/reconcile.ts': "import '../model/lot.ts'\nimport '../errors.ts'",
  'src/engine/turn.ts':
    "import '../store/store.ts'\nimport '../connectors/connector.ts'\nimport '../runtime.ts'\nimport '../process/process.ts'",
  'src/store/memory/memory.ts': "import '../check.ts'",
  'src/store/check.ts': "import '../errors.ts'",
  'src/transport/local/local.ts': "import '../../runtime.ts'",
  'src/connectors/alpha/source.ts': "import '../kit/odata/client.ts'",
  'src/connectors/beta/source.ts': "import '../kit/odata/client.ts'\nimport './mapping.ts'",
  'src/connectors/beta/mapping.ts': "import '../../model/lot.ts'",
  'src/connectors/kit/odata/client.ts': "import '../../../runtime.ts'",
  'src/plant/erp/erp.ts': "import '../../runtime.ts'",
  'src/plant/qms/main.ts': "import 'node:util'\nimport '../../runtime/real-clock.ts'\nimport '../erp/erp.ts'",
  'src/store/sqlite/sqlite.ts': "import 'node:sqlite'\nimport '../check.ts'",
  'src/runtime/real-clock.ts': "import 'undici'\nimport 'node:http'",
  'src/cli/cli.ts': "import 'commander'\nimport '../store/sqlite/sqlite.ts'",
  'src/doors/model.ts': "export type { Lot } from '../model/lot.ts'",
  'src/model/lot.test.ts': "import 'vitest'\nimport '../store/memory/memory.ts'",
  'test/contract/suite.ts': "import '../../src/errors.ts'",
  'console/client.ts': "import './view.ts'",
  'console/view.ts': 'export const view = 1',
}

const LIBRARIES = ['typebox', 'decimal.js', 'undici', 'commander']
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

test('the lawful tree breaks no rule', () => {
  const runtime = { 'src/runtime.ts': 'export type Runtime = 1', 'src/model/round.ts': 'export const planted = 1' }
  const ports = { 'src/store/store.ts': "import '../runtime.ts'", 'src/connectors/connector.ts': "import '../runtime.ts'" }
  expect(cruise(tree({ ...LAWFUL, ...runtime, ...ports }))).toEqual([])
})

test('each rule fires on the violation planted for it, and on nothing else', () => {
  const planted = Object.fromEntries(
    Object.values(PLANTED).map(([file, imported]) => [
      file,
      `${imported && `import type * as imported from '${imported}'\n`}export const planted = 1`,
    ]),
  )
  const violations = cruise(tree({ ...LAWFUL, ...planted }))
  const fired = new Map<string, Set<string>>()
  for (const { rule, from } of violations) fired.set(from, (fired.get(from) ?? new Set()).add(rule))
  // A cycle has no first file: the other half of the planted one is reported too.
  fired.delete('src/model/trip.ts')
  const expected = Object.entries(PLANTED).map(([rule, [file]]) => [file, [rule]])
  expect(Object.fromEntries([...fired].map(([file, rules]) => [file, [...rules]]))).toEqual(Object.fromEntries(expected))
})

test('every rule has a planted violation', () => {
  expect(Object.keys(PLANTED).sort()).toEqual(config.forbidden.map((rule) => rule.name).sort())
})

test('every file of src has a row in the import table', () => {
  const rows = [UNLIMITED, ...LAYERS.map((layer) => layer.from)].map((pattern) => new RegExp(pattern))
  const homeless = sourceFiles(ROOT, 'src').filter((file) => !file.endsWith('.test.ts') && !rows.some((row) => row.test(file)))
  expect(homeless).toEqual([])
})

test('a cruiser that does not see TypeScript is noticed', () => {
  const folder = tree({ 'src/seen.ts': 'export const seen = 1' })
  mkdirSync(join(folder, 'src/dist'))
  writeFileSync(join(folder, 'src/dist/unseen.ts'), 'export const unseen = 1')
  expect(() => cruise(folder)).toThrow('saw 1 of 2 source files')
})

function tree(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-boundaries-'))
  folders.push(folder)
  const dependencies = Object.fromEntries(LIBRARIES.map((name) => [name, '1.0.0']))
  const packages: Record<string, string> = {
    'package.json': JSON.stringify({ name: 'planted', dependencies, devDependencies: { vitest: '1.0.0' } }),
  }
  for (const name of [...LIBRARIES, 'vitest']) {
    packages[`node_modules/${name}/package.json`] = JSON.stringify({ name, version: '1.0.0', main: 'index.js' })
    packages[`node_modules/${name}/index.js`] = ''
  }
  for (const [path, text] of Object.entries({ ...files, ...packages })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}
