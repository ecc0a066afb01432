import { beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../runtime.ts'
import { createMemoryDisk, type Disk } from './disk.ts'
import { openTables, type Tables } from './tables.ts'

interface Rows {
  readonly lot: { readonly item: string; readonly quantity: number }
  readonly number: { readonly next: number }
}

let nowMs: number
let disk: Disk
let tables: Tables<Rows>
const clock = { monoNow: () => nowMs } as Clock
const open = (): Tables<Rows> => openTables<Rows>({ clock, disk }, ['lot', 'number'], { lot: { item: ({ item }) => [item] } })
const put = (key: string, quantity: number): void => tables.atomically(() => tables.put('lot', key, { item: 'RM', quantity }))

beforeEach(() => {
  nowMs = 0
  disk = createMemoryDisk()
  tables = open()
})

test('what was committed is there again after a restart', () => {
  put('b', 1)
  put('a', 2)
  put('b', 3)
  tables = open()
  expect(tables.keys('lot')).toEqual(['a', 'b'])
  expect(tables.get('lot', 'b')).toEqual({ item: 'RM', quantity: 3 })
  expect(tables.where('lot', 'item', 'RM')).toEqual(['a', 'b'])
  expect(tables.at('lot', 'b', -1)).toEqual({ item: 'RM', quantity: 3 })
  expect(tables.get('number', 'b')).toBeNull()
})

describe('a transaction', () => {
  test('is one record', () => {
    tables.atomically(() => {
      tables.put('lot', 'a', { item: 'RM', quantity: 1 })
      tables.put('number', 'n', { next: 1 })
    })
    tables.atomically(() => tables.get('lot', 'a'))
    expect([...disk.load()]).toHaveLength(1)
  })

  test('that throws leaves nothing, and calls nobody', () => {
    put('a', 1)
    const called: string[] = []
    const broken = (): void =>
      tables.atomically(() => {
        tables.put('lot', 'a', { item: 'RM', quantity: 2 })
        tables.put('lot', 'b', { item: 'RM', quantity: 2 })
        tables.afterCommit(() => called.push('after'))
        throw new Error('no')
      })
    expect(broken).toThrow('no')
    expect(tables.get('lot', 'a')).toMatchObject({ quantity: 1 })
    expect(tables.keys('lot')).toEqual(['a'])
    expect(called).toEqual([])
    expect([...disk.load()]).toHaveLength(1)
  })

  test('inside another is a savepoint', () => {
    tables.atomically(() => {
      tables.put('lot', 'a', { item: 'RM', quantity: 1 })
      expect(() =>
        tables.atomically(() => {
          tables.put('lot', 'a', { item: 'RM', quantity: 9 })
          throw new Error('inner')
        }),
      ).toThrow('inner')
      tables.put('lot', 'b', { item: 'RM', quantity: 2 })
    })
    tables = open()
    expect(tables.get('lot', 'a')).toMatchObject({ quantity: 1 })
    expect(tables.get('lot', 'b')).toMatchObject({ quantity: 2 })
  })

  test('that the disk refuses has not happened', () => {
    disk = {
      ...createMemoryDisk(),
      append: () => {
        throw new Error('disk full')
      },
    }
    tables = open()
    expect(() => put('a', 1)).toThrow('disk full')
    expect(tables.get('lot', 'a')).toBeNull()
    expect(tables.at('lot', 'a', 10)).toBeNull()
  })

  test('is the only way to change a row', () => {
    expect(() => tables.put('lot', 'a', { item: 'RM', quantity: 1 })).toThrow('transactions only')
  })
})

test('a row can be read as it was', () => {
  nowMs = 10
  put('a', 1)
  nowMs = 20
  put('a', 2)
  expect([5, 10, 19, 20].map((ms) => tables.at('lot', 'a', ms)?.quantity)).toEqual([undefined, 1, 1, 2])
})
