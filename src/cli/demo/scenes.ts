import type { DecideInput } from '../../plant/counting-qms/people.ts'
import type { JournalReader } from './journal.ts'
import type { Paper } from './paper.ts'
import type { Demonstration } from './plant.ts'

/** The ERP's names. */
export const ACCEPTED = 'batch:ROD-12/B-4711'
export const REJECTED = 'batch:VALVE-7/B-2093'
export const DIVIDED = 'batch:PUMP-3/B-7788'
export const BLOCKED_BY_HAND = 'batch:SEAL-40/B-0815'
export const CARRIER = 'HU-77'
export const BY_HAND = { by: 'Karl', quantity: '40' } as const

export interface Stage {
  readonly demonstration: Demonstration
  readonly paper: Paper
  readonly journal: JournalReader
  /** Ends the waiting: somebody pressed Ctrl-C. */
  readonly stopped: AbortSignal
}

const LOOK_EVERY_MS = 25
const SCENE_MS_MAX = 12_000
/** Time to read a line before the next thing happens. */
const BREATH_MS = 500

/** Something that must come about did not. */
export class Overdue extends Error {
  override readonly name = 'Overdue'
}

export async function play(stage: Stage): Promise<void> {
  const { paper } = stage
  paper.heading('Goods come in')
  await receive(stage)
  paper.heading('Quality decides: accepted, rejected, divided. And a cable breaks at the worst moment')
  await decide(stage)
  paper.heading('Somebody blocks stock by hand')
  await blockByHand(stage)
  await until(stage, 'everything comes to rest', () => atRest(stage))
}

async function receive(stage: Stage): Promise<void> {
  const { erp, qms } = stage.demonstration
  const post = (what: string, lines: Parameters<typeof erp.people.receive>[0]['lines']): void => {
    const number = erp.people.receive({ by: 'Rosa', lines })
    stage.paper.tell({ who: 'Rosa', what: `posts a receipt in the ERP: ${what}`, evidence: number })
  }
  post('920 PC ROD-12/B-4711, 200 PC SEAL-40/B-0815', [
    { material: 'ROD-12', batches: [{ batch: 'B-4711', quantity: '920' }] },
    { material: 'SEAL-40', batches: [{ batch: 'B-0815', quantity: '200' }] },
  ])
  post('500 PC VALVE-7/B-2093', [{ material: 'VALVE-7', batches: [{ batch: 'B-2093', quantity: '500' }] }])
  post('100 PC PUMP-3/B-7788', [{ material: 'PUMP-3', batches: [{ batch: 'B-7788', quantity: '100' }] }])
  await until(stage, 'each lot has its inspection', () => qms.books.inspections().length === 4 && atRest(stage))
}

async function decide(stage: Stage): Promise<void> {
  const { paper, journal, demonstration } = stage
  const { erp, qms, cable } = demonstration
  for (const inspection of qms.books.inspections()) qms.people.start({ number: inspection.number, by: 'Ines' })
  let cut = false
  cable.cutNextAnswer('/movements', () => {
    const document = erp.books.documents().findLast(({ lot, causedBy }) => lot === ACCEPTED && causedBy !== null)
    const evidence = document?.number ?? 'nothing posted'
    void journal.catchUp().then(() => {
      paper.tell({ who: 'Cable', what: 'is cut: the ERP has posted, and its answer is lost', evidence, mood: 'bad' })
      cut = true
    })
  })
  judge(stage, { lot: ACCEPTED, what: 'accepts 920 PC of ROD-12/B-4711', lines: [{ usage: 'ACCEPT', quantity: '920' }] })
  await until(stage, 'the cable is cut', () => cut)
  await breathe(stage)
  judge(stage, { lot: REJECTED, what: 'rejects all 500 PC of VALVE-7/B-2093', lines: [{ usage: 'REJECT', quantity: '500' }] })
  await breathe(stage)
  const moved = erp.people.transfer({ lot: DIVIDED, from: { stock: 'QI' }, to: { carrier: CARRIER }, quantity: '8', by: 'Karl' })
  paper.tell({ who: 'Karl', what: `puts 8 PC of PUMP-3/B-7788 on handling unit ${CARRIER}`, evidence: numberOf(moved) })
  judge(stage, {
    lot: DIVIDED,
    what: `divides PUMP-3/B-7788: 8 PC on ${CARRIER} rejected, the rest accepted`,
    lines: [
      { usage: 'ACCEPT', quantity: '92', portion: { part: 'REST', except: [CARRIER] } },
      { usage: 'REJECT', quantity: '8', portion: { part: 'CARRIERS', carriers: [CARRIER] } },
    ],
  })
  await breathe(stage)
  judge(stage, { lot: BLOCKED_BY_HAND, what: 'accepts 200 PC of SEAL-40/B-0815', lines: [{ usage: 'ACCEPT', quantity: '200' }] })
  await until(stage, 'decisions have reached the ERP', () => erp.books.usable(ACCEPTED) === '920' && atRest(stage))
}

async function blockByHand(stage: Stage): Promise<void> {
  const { erp } = stage.demonstration
  const blocked = erp.people.block({ lot: BLOCKED_BY_HAND, ...BY_HAND })
  const what = `blocks ${BY_HAND.quantity} PC of SEAL-40/B-0815 by hand, for a reason of his own`
  stage.paper.tell({ who: 'Karl', what, evidence: numberOf(blocked) })
  await breathe(stage)
  await until(stage, 'nothing of the doubtful lot is usable', () => erp.books.usable(BLOCKED_BY_HAND) === '0')
}

interface Judgement {
  readonly lot: string
  readonly what: string
  readonly lines: DecideInput['lines']
}

function judge({ paper, demonstration }: Stage, { lot, what, lines }: Judgement): void {
  const inspection = demonstration.qms.books.inspections().find(({ attributes }) => attributes['lot']?.endsWith(lot))
  if (inspection === undefined) throw new Overdue(`${lot} has no inspection`)
  const done = demonstration.qms.people.decide({ number: inspection.number, by: 'Ines', lines })
  const decision = demonstration.qms.books.byKey(inspection.externalKey ?? '')[0]?.decision
  paper.tell({ who: 'Ines', what, evidence: `${numberOf(done)} ${decision?.number ?? ''}` })
}

function numberOf(done: { readonly ok: true; readonly number: string } | { readonly ok: false; readonly reason: string }): string {
  return done.ok ? done.number : `refused: ${done.reason}`
}

/** Nobody has anything left to tell, to do or to look at. */
function atRest({ demonstration, journal }: Stage): boolean {
  const { erp, qms, hub } = demonstration
  return erp.books.unsettled() + qms.books.unsettled() === 0 && hub.engine.idle() && journal.goals().every(({ state }) => state !== 'open')
}

async function until(stage: Stage, what: string, come: () => boolean): Promise<void> {
  const deadline = performance.now() + SCENE_MS_MAX
  for (;;) {
    await stage.journal.catchUp()
    if (come()) return
    if (performance.now() > deadline) throw new Overdue(`waited ${SCENE_MS_MAX / 1_000} s until ${what}`)
    await pause(stage, LOOK_EVERY_MS)
  }
}

async function breathe(stage: Stage): Promise<void> {
  const end = performance.now() + BREATH_MS
  await until(stage, 'a breath is over', () => performance.now() >= end)
}

function pause({ stopped }: Stage, ms: number): Promise<void> {
  if (stopped.aborted) throw new Overdue('stopped before the end')
  return new Promise((resolve) => setTimeout(resolve, ms))
}
