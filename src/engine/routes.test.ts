import { expect, test } from 'vitest'
import { createListener, createScript, lotOf, MOVED } from '../../test/engine/scripted.ts'
import type { DomainEvent } from '../model/envelope.ts'
import type { Process } from '../process/process.ts'
import { partitionOf } from './derive.ts'
import { createRoutes } from './routes.ts'

const PARTITIONS = 8

function event(type: string, subject: string): DomainEvent {
  const source = { instance: 'erp-1', record: 'r/1', version: null }
  return { type, subject, source, occurredAt: '', receivedAt: '', data: {} }
}

test('an event goes to those who subscribe to its type, each in the partition of its key', () => {
  const routes = createRoutes([createScript(), createListener()] as Process[], PARTITIONS)
  const lot = lotOf('A')
  expect(routes(event(MOVED, lot))).toEqual([{ process: 'script', key: lot, partition: partitionOf(lot, PARTITIONS) }])
  expect(routes(event('holdpoint.receipt.posted.v1', lot))).toEqual([])
})

test('a process may name several instances, or none, and share a partition among keys', () => {
  const several = {
    ...createScript(),
    keysOf: ({ subject }: DomainEvent) => [...subject],
    partitionKeyOf: () => 'together',
  } as unknown as Process
  const routes = createRoutes([several], PARTITIONS)
  const partition = partitionOf('together', PARTITIONS)
  expect(routes(event(MOVED, 'abc'))).toEqual(['a', 'b', 'c'].map((key) => ({ process: 'script', key, partition })))
  expect(routes(event(MOVED, ''))).toEqual([])
})

test('two subscribers of one type both get it, in the order they were given', () => {
  const other = { ...createScript(), name: 'other' } as unknown as Process
  const routes = createRoutes([createScript() as Process, other], PARTITIONS)
  expect(routes(event(MOVED, 'a')).map(({ process }) => process)).toEqual(['script', 'other'])
})
