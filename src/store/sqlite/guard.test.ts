import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { StoreUnavailable } from '../store.ts'
import { createGuard } from './guard.ts'

/** An error as SQLite raises it. */
function sqliteError(errcode: number): Error {
  return Object.assign(new Error(`sqlite ${errcode}`), { errcode })
}

function harness() {
  const failures: string[] = []
  const guard = createGuard({
    path: '/nowhere/store.db',
    now: () => 0,
    space: () => ({ freeBytes: 1e12, totalBytes: 1e12 }),
    onFailed: (detail) => failures.push(detail),
  })
  const raise = (errcode: number) =>
    guard.attempt(() => {
      throw sqliteError(errcode)
    })
  return { guard, failures, raise }
}

it('ends the store at the first error of the disk, tells once, and never works again', async () => {
  const { guard, failures, raise } = harness()
  const IOERR_FSYNC = 1034
  expect(raise(IOERR_FSYNC)).toBeInstanceOf(StoreUnavailable)
  let worked = false
  expect(
    guard.attempt(() => {
      worked = true
    }),
  ).toBeInstanceOf(StoreUnavailable)
  expect([worked, guard.usable(), failures.length]).toEqual([false, false, 1])
  expect(failures[0]).toContain('/nowhere/store.db failed (sqlite 1034)')
  expect(guard.health()).toMatchObject({ ok: false, code: 'store.failed' })
  await expect(guard.read(() => 1)).rejects.toBeInstanceOf(StoreUnavailable)
})

it('survives a full disk, and says so', async () => {
  const { guard, failures, raise } = harness()
  const FULL = 13
  expect(raise(FULL)).toBeInstanceOf(StoreUnavailable)
  expect(guard.health()).toMatchObject({ ok: false, code: 'disk.low' })
  expect(guard.attempt(() => {})).toBeNull()
  expect(await guard.read(() => 1)).toBe(1)
  expect(failures).toEqual([])
})

it('turns an error of a read into StoreUnavailable, and leaves bugs alone', () => {
  const { guard } = harness()
  const database = new DatabaseSync(':memory:')
  expect(() => guard.answer(() => database.prepare('SELECT * FROM nothing'))).toThrow(StoreUnavailable)
  expect(() =>
    guard.answer(() => {
      throw new TypeError('bug')
    }),
  ).toThrow(TypeError)
  database.close()
})
