import { formatAmount } from '../../src/plant/amount.ts'
import type { Inspection } from '../../src/plant/counting-qms/types.ts'
import type { RandomStream } from '../../src/runtime/random-stream.ts'
import type { World } from '../../src/runtime/world.ts'
import type { Plant } from './plant.ts'

/** One batch that is received again and again, while people change their minds about it and help themselves. */
export interface SharedBatch {
  readonly receipts: number
  readonly material: 'RM' | 'BAD'
  /** Chance per round that somebody takes stock out of inspection by hand. */
  readonly handShare: number
  readonly rejectShare: number
}

const SHARE = 0.25
const BATCH = 'SHARED-AGAIN'
const ROUND_MS = 1_000
const ROUND_MS_MORE = 1_500

/** Draws from a stream of its own: a seed without it tells the story it told before. */
export function drawSharedBatch(random: RandomStream): SharedBatch | null {
  if (random.next() >= SHARE) return null
  return {
    receipts: 2 + Math.floor(random.next() * 2),
    material: random.next() < 0.85 ? 'RM' : 'BAD',
    handShare: random.next() < 0.6 ? 0.06 : 0,
    rejectShare: 0.2 + random.next() * 0.5,
  }
}

interface Play {
  readonly world: World
  readonly plant: Plant
  readonly batch: SharedBatch
  readonly random: RandomStream
  readonly lot: string
  readonly untilMs: number
  /** Inspections whose rejection has been taken back. */
  readonly takenBack: Set<string>
}

export function playSharedBatch(world: World, plant: Plant, drawn: { readonly batch: SharedBatch; readonly untilMs: number }): void {
  const { batch, untilMs } = drawn
  const random = world.random('shared batch people')
  const play: Play = { world, plant, batch, random, lot: `batch:${batch.material}/${BATCH}`, untilMs, takenBack: new Set() }
  for (let index = 0; index < batch.receipts; index++)
    world.schedule(null, 500 + random.next() * untilMs * 0.5, () => {
      const quantity = String(100 + Math.floor(random.next() * 900))
      plant.erp.people.receive({ lines: [{ material: batch.material, batches: [{ batch: BATCH, quantity }] }] })
    })
  const round = (): void => {
    if (world.now() > untilMs) return
    work(play)
    world.schedule(null, ROUND_MS + random.next() * ROUND_MS_MORE, round)
  }
  world.schedule(null, ROUND_MS, round)
}

function work(play: Play): void {
  const { plant, batch, random, lot } = play
  for (const inspection of plant.qms.books.inspections()) if (inspection.attributes['lot'] === `erp-1:${lot}`) judge(play, inspection)
  if (random.next() < batch.handShare) takeByHand(play)
}

function judge({ world, plant, batch, random, takenBack, lot }: Play, { number, status, attributes, decision }: Inspection): void {
  const { people } = plant.qms
  const quantity = attributes['quantity'] ?? '0'
  const draw = random.next()
  if (status === 'STARTED' && draw < 0.1)
    people.decide({ number, lines: [{ usage: random.next() < batch.rejectShare ? 'REJECT' : 'ACCEPT', quantity }] })
  else if (status === 'DECIDED' && draw < 0.08 && decision?.lines.every(({ usage }) => usage === 'REJECT') === true) {
    people.reopen({ number })
    takenBack.add(number)
  } else if (status === 'REOPENED' && draw < 0.4 && takenBack.has(number)) {
    people.decide({ number, lines: [{ usage: 'ACCEPT', quantity }] })
    if (isShared(plant, lot)) world.runtimeFor('desk').sometimes('rejection-taken-back')
  }
}

/** All that is there, or what fits one of the receipts: nobody can tell whose it was. */
function takeByHand({ world, plant, random, lot }: Play): void {
  const lines = plant.erp.books.receipts().flatMap((receipt) => receipt.lines.filter((line) => line.lot === lot))
  const line = lines[Math.floor(random.next() * lines.length)]
  const quantity = random.next() < 0.5 || line === undefined ? {} : { quantity: formatAmount(line.amount) }
  const done = plant.erp.people.move({ lot, from: { stock: 'QI' }, to: { stock: 'UNR' }, by: 'hasty', ...quantity })
  if (done.ok && isShared(plant, lot)) world.runtimeFor('desk').sometimes('released-by-hand')
}

function isShared(plant: Plant, lot: string): boolean {
  return plant.erp.books.receipts().filter((receipt) => receipt.lines.some((line) => line.lot === lot)).length > 1
}
