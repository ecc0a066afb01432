import { expect, test } from 'vitest'
import { type Books, createBooks } from './books.ts'
import type { MovementOrder } from './wire.ts'
import { batchId, batchNumber, inspectionKey, lotOf, materialOf, quantityOf, receiptId, receiptNumber } from './workload.ts'

const AT = '2026-11-02T08:00:00.000Z'
const lotId = (flow: number): string => batchId(materialOf(lotOf(flow)), batchNumber(lotOf(flow)))
const keyOf = (flow: number): string => inspectionKey(receiptId(receiptNumber(flow)), '1', lotId(flow))

function create(books: Books, flow: number): number {
  return books.create({ key: keyOf(flow), reference: `R${flow}`, fields: {} }, 1).status
}

function release(books: Books, flow: number, changes: Partial<MovementOrder> = {}): number {
  const order = {
    key: `K${flow}`,
    reference: `R${flow}`,
    lot: lotId(flow),
    quantity: String(quantityOf(flow)),
    unit: 'C62',
    decidedBy: 'i',
  }
  return books.move({ ...order, from: 'qualityInspection', to: 'unrestricted', ...changes }, AT).status
}

function decided(books: Books, ...flows: number[]): void {
  for (const flow of flows) {
    create(books, flow)
    books.decide(flow)
  }
}

test('a flow done once is clean', () => {
  const books = createBooks()
  decided(books, 0, 1)
  release(books, 0)
  release(books, 1)
  expect(books.tally).toEqual({ created: 2, released: 2, extra: 0, outOfOrder: 0, createdOutOfOrder: 0, repeatedKeys: 0 })
})

test('the same key again is answered, not done again', () => {
  const books = createBooks()
  decided(books, 0)
  expect(create(books, 0)).toBe(200)
  expect(release(books, 0)).toBe(201)
  expect(release(books, 0)).toBe(200)
  expect(books.tally).toMatchObject({ created: 1, released: 1, extra: 0, repeatedKeys: 2 })
})

test('another key for the same effect is an extra', () => {
  const books = createBooks()
  decided(books, 0)
  release(books, 0)
  release(books, 0, { key: 'another' })
  expect(books.tally).toMatchObject({ released: 1, extra: 1 })
})

test('a movement that no flow asks for is an extra', () => {
  const books = createBooks()
  decided(books, 0)
  release(books, 0, { to: 'blocked' })
  release(books, 0, { from: 'unrestricted' })
  release(books, 0, { quantity: '1' })
  release(books, 4)
  expect(books.create({ key: 'unknown', reference: 'R', fields: {} }, 1).status).toBe(201)
  expect(books.tally).toMatchObject({ released: 0, extra: 5 })
})

test('a release before its decision, or before the release of an earlier decision, is out of order', () => {
  const books = createBooks()
  create(books, 0)
  release(books, 0)
  expect(books.tally).toMatchObject({ released: 1, outOfOrder: 1 })
  decided(books, 4, 5)
  release(books, 5)
  expect(books.tally.outOfOrder).toBe(1)
  release(books, 4)
  expect(books.tally.outOfOrder).toBe(2)
})

test('a decision is taken once', () => {
  const books = createBooks()
  expect(books.decide(0)).toBe(false)
  create(books, 0)
  expect(books.decide(0)).toBe(true)
  expect(books.decide(0)).toBe(false)
})

test('reads show what the books hold', () => {
  const books = createBooks()
  expect(books.readInspection(keyOf(0)).records).toEqual([])
  expect(books.readStock(lotId(0))).toEqual({ lot: lotId(0), known: true, inspection: '3660', documents: [] })
  decided(books, 0)
  release(books, 0)
  expect(books.readInspection(keyOf(0)).records).toEqual([{ id: 'QI-0', version: 2, status: 'decided', reference: 'R0' }])
  expect(books.readStock(lotId(0))).toMatchObject({ inspection: '2760', documents: [{ reference: 'R0', quantity: '900', at: AT }] })
  expect(books.readStock('erp-1:batch:RM-1/elsewhere').known).toBe(false)
})
