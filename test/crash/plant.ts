import { type CountingErp, createCountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import { type CountingQms, createCountingQms } from '../../src/plant/counting-qms/counting-qms.ts'
import type { DecideInput } from '../../src/plant/counting-qms/people.ts'
import type { Inspection } from '../../src/plant/counting-qms/types.ts'
import type { Disturbances } from '../../src/plant/disturbances.ts'
import { openRealRuntime } from '../../src/runtime/real.ts'

/** ERP and QMS with their people, in this process: whatever happens to the hub, their books go on. */
export interface CrashPlant {
  readonly erp: CountingErp
  readonly qms: CountingQms
  readonly urls: { readonly erpUrl: string; readonly qmsUrl: string }
  /** Where notices go from now on; what was not acknowledged goes there too. */
  tell(hubUrl: string): void
  /** Goods come in and inspectors decide until `finishWork`. */
  startWork(): void
  /** No more goods; inspectors go on. Answers and effects are prompt from now on. */
  finishWork(): void
  close(): Promise<void>
}

const RECEIPT_EVERY_MS = 80
const INSPECT_EVERY_MS = 60
/** Receipts and decision lines that the hub has not worked off: beyond it people wait, so that a slow machine is not buried. */
const WAITING_MAX = 60
/** Receipts into one batch: a document posted twice finds stock of the others to take. */
const RECEIPTS_PER_SHARED_BATCH = 4

/** Slow targets: an answer, and even the effect, may come when the hub that asked is dead and the next one runs. Below TIMES.quiesceMs. */
const SLOW: Partial<Disturbances> = {
  slowShare: 0.15,
  slowMsMax: 1_500,
  slowAnswerShare: 0.6,
  slowAnswerMsMax: 200,
  errorAfterCommitShare: 0.02,
  readLagMsMax: 100,
}
const PROMPT: Partial<Disturbances> = { slowShare: 0, slowAnswerShare: 0, errorAfterCommitShare: 0, readLagMsMax: 0 }

export async function openPlant(): Promise<CrashPlant> {
  const errors: unknown[] = []
  const runtime = openRealRuntime({ onHandlerError: (error) => errors.push(error) })
  const erp = createCountingErp({ runtime }, { instance: 'erp-1', disturbances: SLOW, materials: { LANDS: { lands: 'UNR' } } })
  const qms = createCountingQms({ runtime }, { instance: 'qms-1', disturbances: SLOW })
  const urls = { erpUrl: await erp.start(), qmsUrl: await qms.start() }
  const stops: (() => void)[] = []
  const every = (ms: number, act: () => void): (() => void) => {
    const timer = setInterval(act, ms)
    const stop = (): void => clearInterval(timer)
    stops.push(stop)
    return stop
  }
  let stopReceipts = (): void => undefined
  return {
    erp,
    qms,
    urls,
    tell: (hubUrl) => {
      for (const { notices } of [erp, qms]) notices.setPush({ url: `${hubUrl}/v1/events`, batchMax: 20, retryMs: 50, retryMsMax: 200 })
    },
    startWork: () => {
      let received = 0
      let decided = 0
      const waiting = (): number => received - qms.books.effects().length + decided - erp.books.effects().length
      stopReceipts = every(RECEIPT_EVERY_MS, () => {
        if (waiting() < WAITING_MAX) receive(erp, received++)
      })
      every(INSPECT_EVERY_MS, () => {
        decided += inspect(erp, qms)
      })
    },
    finishWork: () => {
      stopReceipts()
      for (const { disturber } of [erp, qms]) disturber.set(PROMPT)
    },
    close: async () => {
      for (const stop of stops) stop()
      await Promise.all([erp.stop(), qms.stop()])
      await runtime.close()
      if (errors.length > 0) throw new AggregateError(errors, 'the plant itself failed')
    },
  }
}

function receive(erp: CountingErp, number: number): void {
  const quantity = String(100 + (number % 900))
  const shared = { material: 'SHARED', batches: [{ batch: `S-${Math.floor(number / 2 / RECEIPTS_PER_SHARED_BATCH)}`, quantity }] }
  const alone = { material: number % 10 === 1 ? 'LANDS' : 'ALONE', batches: [{ batch: `A-${number}`, quantity }] }
  erp.people.receive({ lines: [number % 2 === 0 ? shared : alone] })
}

/** Answers how many lines were decided. */
function inspect(erp: CountingErp, qms: CountingQms): number {
  let decided = 0
  for (const inspection of qms.books.inspections()) {
    if (inspection.status !== 'CREATED' || isExposed(erp, inspection)) continue
    const lines = verdict(erp, inspection)
    qms.people.decide({ number: inspection.number, lines })
    decided += lines.length
  }
  return decided
}

/** What landed usable is decided once it has been taken out of use: accepting it before would leave nothing to release. */
function isExposed(erp: CountingErp, { attributes }: Inspection): boolean {
  const { lot = '' } = attributes
  return lot.includes('LANDS') && erp.books.usable(nativeLot(lot)) !== '0'
}

/** The lot as the ERP itself names it. */
function nativeLot(identifier: string): string {
  return identifier.slice(identifier.indexOf(':') + 1)
}

/** By number, so that every kind of decision occurs. A batch of several receipts is only ever accepted: its parts cannot be told apart. */
function verdict(erp: CountingErp, { number, attributes }: Inspection): DecideInput['lines'] {
  const { lot = '', quantity = '' } = attributes
  const kind = lot.includes('SHARED') ? 0 : Number(number.slice(3)) % 7
  if (kind <= 2) return [{ usage: 'ACCEPT', quantity }]
  if (kind === 3) return [{ usage: 'REJECT', quantity }]
  if (kind === 4 || lot.includes('LANDS')) return [{ usage: 'QUARANTINE', quantity }]
  const carriers = [`HU-${number}`]
  const bad = '7'
  erp.people.transfer({ lot: nativeLot(lot), from: { stock: 'QI' }, to: { carrier: `HU-${number}` }, quantity: bad })
  return [
    { usage: 'ACCEPT', quantity: String(Number(quantity) - Number(bad)), portion: { part: 'REST', except: carriers } },
    { usage: 'REJECT', quantity: bad, portion: { part: 'CARRIERS', carriers } },
  ]
}
