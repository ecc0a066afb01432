import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { parseGateKey } from '../src/model/keys.ts'
import { identify, toModel } from './bench-mapping.ts'
import { InspectionNotice, ReceiptNotice } from './wire.ts'
import {
  batchId,
  flowAt,
  flowOfKey,
  flowOfMovement,
  inspectionEvent,
  inspectionKey,
  lotOf,
  lotOfId,
  quantityOf,
  receiptEvent,
} from './workload.ts'

const AT = '2026-11-02T08:00:00.000Z'
const FLOWS = [0, 1, 3, 4, 511, 2047, 2048, 123_456, 900_001]

function notice(flow: number): ReceiptNotice {
  return JSON.parse(receiptEvent(flow, AT)) as ReceiptNotice
}

function keyOf(flow: number): string {
  const { data } = notice(flow)
  const [line] = data.lines
  return inspectionKey(`erp-1:receipt:${data.document}`, line?.line ?? '', batchId(line?.material ?? '', line?.batch ?? ''))
}

test('a receipt is about 0.9 kB of ASCII and keeps its contract', () => {
  const check = Compile(ReceiptNotice)
  for (const flow of FLOWS) {
    const text = receiptEvent(flow, AT)
    expect(text.length).toBeGreaterThan(850)
    expect(text.length).toBeLessThan(950)
    expect(Buffer.byteLength(text)).toBe(text.length)
    expect(check.Check(JSON.parse(text))).toBe(true)
  }
})

test('key, lot and movement lead back to the flow', () => {
  for (const flow of FLOWS) {
    const key = keyOf(flow)
    const lot = parseGateKey(key)?.lot ?? ''
    expect(flowOfKey(key)).toBe(flow)
    expect(lotOfId(lot)).toBe(lotOf(flow))
    expect(flowOfMovement(lotOfId(lot), String(quantityOf(flow)))).toBe(flow)
  }
  expect(flowOfKey('elsewhere#1#x')).toBe(-1)
  expect(lotOfId('erp-1:batch:RM-100/none')).toBe(-1)
  expect(flowOfMovement(7, '905')).toBe(-1)
})

test('every flow is sent once, and the receipts of a lot in order, one stride apart', () => {
  const stride = 64
  const sent = Array.from({ length: stride * 12 }, (_, position) => flowAt(position, stride))
  expect(new Set(sent).size).toBe(sent.length)
  for (const [position, flow] of sent.entries()) {
    if (flow % 4 > 0) expect(sent[position - stride]).toBe(flow - 1)
  }
})

test('the connector tells records and versions apart and maps into the contracts of the model', () => {
  const receipt = notice(5)
  expect(identify(receipt)).toMatchObject({ ok: true, identity: { kind: 'immutable', record: `receipt/${receipt.subject}` } })
  expect(toModel(receipt)).toMatchObject({ ok: true, events: [{ type: 'holdpoint.receipt.posted.v1', data: { site: '1010' } }] })
  const inspection = JSON.parse(inspectionEvent({ flow: 5, key: keyOf(5), at: AT })) as InspectionNotice
  expect(Compile(InspectionNotice).Check(inspection)).toBe(true)
  expect(identify(inspection)).toMatchObject({ ok: true, identity: { kind: 'versioned', version: '2', compare: 'integer' } })
  expect(toModel(inspection)).toMatchObject({ ok: true, events: [{ data: { inspectionKey: keyOf(5), status: 'decided' } }] })
  expect(toModel({ ...receipt, data: { ...receipt.data, surplus: 1 } })).toMatchObject({ ok: false })
  expect(identify({})).toMatchObject({ ok: false })
})
