import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryDisk, type Disk } from './disk.ts'
import { openSqliteDisk } from './sqlite-disk.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-disk-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const memory = createMemoryDisk()
const KINDS: readonly (readonly [string, () => Disk])[] = [
  ['in memory', () => memory],
  ['in a file', () => openSqliteDisk(join(folder, 'plant.db'))],
]

describe.each(KINDS)('a disk %s', (_, open) => {
  test('gives back what was appended, in order, to whoever comes next', () => {
    const first = open()
    expect([...first.load()]).toEqual([])
    first.append('one')
    first.append('“two”\n')
    first.close()
    const second = open()
    second.append('one')
    expect([...second.load()]).toEqual(['one', '“two”\n', 'one'])
    second.close()
  })
})

test('a file belongs to one at a time', { timeout: 10_000 }, () => {
  const path = join(folder, 'plant.db')
  const first = openSqliteDisk(path)
  expect(() => openSqliteDisk(path)).toThrow(/locked/)
  first.close()
  openSqliteDisk(path).close()
})
