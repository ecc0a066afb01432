import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchLot, derivedLot, identifierValue, lotKind, serialLot } from './lot.ts'

describe('a lot', () => {
  it.each([
    [batchLot({ erp: 'erp-1', material: 'RM-100', batch: 'B-4711' }), 'erp-1:batch:RM-100/B-4711', 'batch'],
    [batchLot({ erp: 'erp-1', material: 'RM-100', plant: '1010', batch: 'B-4711' }), 'erp-1:batch:RM-100/1010/B-4711', 'batch'],
    [batchLot({ erp: 'erp-1', material: 'RM/1', batch: '5%' }), 'erp-1:batch:RM%2F1/5%25', 'batch'],
    [serialLot({ erp: 'erp-1', material: 'PUMP-7', serial: '00012' }), 'erp-1:serial:PUMP-7/00012', 'serial'],
    [derivedLot({ erp: 'erp-1', receipt: 'erp-1:receipt:5000001', line: '10' }), 'erp-1:receiptLine:5000001/10', 'receiptLine'],
    ['erp-1:bin:7', 'erp-1:bin:7', 'other'],
  ])('%s', (made, identifier, kind) => {
    expect(made).toBe(identifier)
    expect(lotKind(made)).toBe(kind)
  })

  it('is not another one because its parts are cut differently', () => {
    const part = fc.stringMatching(/^[ab/%25F]{1,5}$/)
    const name = fc.record({ material: part, batch: part })
    fc.assert(
      fc.property(name, name, (first, second) => {
        const one = batchLot({ erp: 'erp-1', ...first })
        const other = batchLot({ erp: 'erp-1', ...second })
        expect(one === other).toBe(first.material === second.material && first.batch === second.batch)
      }),
    )
  })

  it('has a value of its own behind system and object', () => {
    expect(identifierValue('erp-1:receipt:a:b/c')).toBe('a:b/c')
  })
})
