/** Facts for stories: a receipt of 1,000 pieces of one batch, its inspection, and what people do meanwhile. */
import type { HoldType, PortionScope } from '../../src/model/hold.ts'
import type { InspectionOutcome, InspectionSnapshot } from '../../src/model/inspection.ts'
import { gateKey } from '../../src/model/keys.ts'
import type { Receipt } from '../../src/model/receipt.ts'
import { WHOLE } from '../../src/model/scope.ts'
import type { StockType } from '../../src/model/stock.ts'
import type { Fact } from './story.ts'

export const LOT = 'erp-1:batch:RM-100/B-4711'
export const OTHER_LOT = 'erp-1:batch:RM-100/B-4712'
export const DECIDED_AT = '2026-11-03T09:00:00.000Z'

export const receiptId = (number = 1): string => `erp-1:receipt:500000${number}`
export const keyOf = (number = 1, lot = LOT, line = '1'): string => gateKey({ receipt: receiptId(number), line, lot })
export const pieces = (value: number | string) => ({ value: String(value), uom: 'C62' })
export const carriers = (...names: string[]): PortionScope => ({ kind: 'carriers', carriers: names })

export interface ReceiptInput {
  readonly number?: number
  readonly quantity?: number
  readonly stockType?: StockType
  readonly required?: Receipt['lines'][number]['inspectionRequired']
  readonly lots?: readonly (readonly [line: string, lot: string, quantity: number])[]
  readonly site?: string
}

export function received({
  number = 1,
  quantity = 1000,
  stockType = 'qualityInspection',
  required = 'required',
  lots,
  site = 'P1',
}: ReceiptInput = {}): Fact {
  const parts = lots ?? [['1', LOT, quantity] as const]
  const lines = [...new Set(parts.map(([line]) => line))].map((lineNumber) => {
    const own = parts.filter(([line]) => line === lineNumber)
    return {
      lineNumber,
      item: 'erp-1:item:RM-100',
      quantity: pieces(own.reduce((sum, [, , amount]) => sum + amount, 0)),
      lots: own.map(([, lot, amount]) => ({ lot, quantity: pieces(amount), location: '0001', stockType, specialStock: 'own' as const })),
      inspectionRequired: required,
    }
  })
  return {
    type: 'holdpoint.receipt.posted.v1',
    source: { instance: 'erp-1', record: `receipt/500000${number}`, version: null },
    data: { receipt: receiptId(number), documentType: 'purchase', supplier: 'erp-1:supplier:S-1', site, erp: 'erp-1', lines },
  }
}

export function reversed(
  input: {
    readonly number?: number
    readonly quantity?: number
    readonly document?: string
    readonly lot?: string
    readonly uom?: string
  } = {},
): Fact {
  const { number = 1, quantity = 1000, document = `9${number}`, lot = LOT, uom = 'C62' } = input
  return {
    type: 'holdpoint.receipt.reversed.v1',
    source: { instance: 'erp-1', record: `reversal/${document}`, version: null },
    data: {
      receipt: receiptId(number),
      reversal: `erp-1:reversal:${document}`,
      site: 'P1',
      erp: 'erp-1',
      lines: [{ lineNumber: '1', lots: [{ lot, quantity: { value: String(quantity), uom } }] }],
    },
  }
}

export type LineInput = readonly [outcome: InspectionOutcome, quantity: number, portion?: PortionScope | null]

export interface SnapshotInput {
  readonly key?: string
  readonly version: number
  readonly status?: InspectionSnapshot['status']
  readonly lines?: readonly LineInput[]
  readonly decision?: string
  readonly decidedAt?: string
  readonly inspection?: string
}

export function inspected(input: SnapshotInput): Fact {
  const { key = keyOf(), version, lines, decision = 'UD-17', decidedAt = DECIDED_AT, inspection = 'QI-17' } = input
  const status = input.status ?? (lines === undefined ? 'created' : 'decided')
  return {
    type: 'holdpoint.inspection.changed.v1',
    source: { instance: 'qms-1', record: `inspection/${inspection}`, version: String(version) },
    data: {
      inspection: `qms-1:inspection:${inspection}`,
      inspectionKey: key,
      qms: 'qms-1',
      status,
      decision:
        lines === undefined
          ? null
          : {
              decision: `qms-1:decision:${decision}`,
              decidedBy: 'j.doe',
              decidedAt,
              lines: lines.map(([outcome, quantity, portion = WHOLE], index) => ({
                line: index + 1,
                outcome,
                quantity: pieces(quantity),
                portion,
              })),
            },
    },
  }
}

export const decisionOf = (decision = 'UD-17', decidedAt = DECIDED_AT): string => `qms-1:decision:${decision}@${decidedAt}`
export const lineOf = (line = 1, decision = decisionOf()): string => `line:${decision}:${line}`

export interface HoldInput {
  readonly scope?: PortionScope
  readonly lot?: string
  readonly type?: HoldType
}

export function held(hold: string, { scope = WHOLE, lot = LOT, type = 'engineering' }: HoldInput = {}): Fact {
  return {
    type: 'holdpoint.hold.requested.v1',
    source: { instance: 'desk-1', record: `hold/${hold}`, version: null },
    data: { hold, lot, erp: 'erp-1', type, scope, foreign: false, reason: 'in doubt', placedBy: 'm.roe', placedIn: 'desk-1' },
  }
}

export function lifted(hold: string, { scope = WHOLE, lot = LOT }: HoldInput = {}): Fact {
  return {
    type: 'holdpoint.hold.lifted.v1',
    source: { instance: 'desk-1', record: `lift/${hold}`, version: null },
    data: { hold, lot, erp: 'erp-1', scope, liftedBy: 'm.roe', evidence: `desk-1:approval:${hold}` },
  }
}

export interface MoveInput {
  readonly document: string
  readonly from: StockType | null
  readonly to: StockType | null
  readonly quantity?: number
  readonly reference?: string | null
}

export function moved({ document, from, to, quantity = 100, reference = null }: MoveInput): Fact {
  return {
    type: 'holdpoint.inventory.moved.v1',
    source: { instance: 'erp-1', record: `document/${document}`, version: null },
    data: { erp: 'erp-1', lot: LOT, document, reference, from, to, quantity: pieces(quantity), by: 'clerk' },
  }
}
