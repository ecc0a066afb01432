import type { Notice } from '../../src/plant/notices.ts'
import type { RandomStream } from '../../src/runtime/random-stream.ts'
import type { World } from '../../src/runtime/world.ts'
import { createHoldDesk, type DeskHold, type HoldDesk } from './hold-desk.ts'
import type { Plant } from './plant.ts'
import type { Shape } from './shape.ts'
import { playSharedBatch } from './shared-batch.ts'

/** What people do while the hub works. Everything here goes over the plant's own screens, never through the hub. */
export interface Workload {
  /** Holds placed and lifted at the desk, with the virtual time at which the desk sent them. */
  readonly deskHolds: readonly DeskHold[]
  /** Everything the desk sent. */
  readonly deskNotices: readonly Notice[]
  /** Notices sent again with other content under the same identity. */
  readonly conflicts: readonly { readonly instance: string; readonly record: string }[]
  /** Decides what is still undecided, with a plain acceptance or rejection; called once faults have ended. */
  finish(): void
  readonly undecided: () => number
  /** The desk holds this lot now. */
  hold(lot: string): void
}

const LOTS = ['A', 'B', 'C'] as const

export function startWorkload(world: World, plant: Plant, shape: Shape): Workload {
  const random = world.random('workload')
  const conflicts: { instance: string; record: string }[] = []
  const desk = createHoldDesk(world, plant.desk)
  const hold = (lot: string | undefined): void => placeHold(world, desk, { random, until: shape.healAtMs, lot })
  const at = (ms: number, act: () => void): void => {
    world.schedule(null, ms, act)
  }
  for (let index = 0; index < shape.receipts; index++) {
    at(100 + random.next() * shape.healAtMs * 0.6, () => receive(world, plant, { shape, random, index }))
  }
  if (shape.people) for (let index = 0; index < 6; index++) at(random.next() * shape.healAtMs, () => meddle(plant, random))
  if (shape.holds)
    for (let index = 0; index < 2; index++) at(2_000 + random.next() * shape.healAtMs * 0.7, () => hold(anyLot(plant, random)))
  if (shape.reversals) at(3_000 + random.next() * shape.healAtMs * 0.8, () => reverse(plant, random))
  if (shape.periodCloses) at(random.next() * shape.healAtMs * 0.7, () => plant.erp.people.closePeriod(5_000 + random.next() * 10_000))
  if (shape.conflicts) {
    at(shape.healAtMs * 0.8, () => contradict(plant, random, conflicts))
    at(shape.healAtMs * (0.3 + random.next() * 0.5), () => contradictInspection(plant, random, conflicts))
  }
  if (shape.outages) outages(world, plant, shape)
  if (shape.sharedBatch !== null) playSharedBatch(world, plant, { batch: shape.sharedBatch, untilMs: shape.healAtMs })
  inspectors(world, plant, { shape, random })
  return {
    deskHolds: desk.holds,
    deskNotices: desk.notices,
    conflicts,
    finish: () => {
      for (const inspection of plant.qms.books.inspections()) {
        if (inspection.status === 'CREATED' || inspection.status === 'STARTED' || inspection.status === 'REOPENED')
          decide(plant, inspection.number, { random, portions: false, packed: new Set() })
      }
    },
    hold: (lot) => hold(nativeLot(lot)),
    undecided: () =>
      plant.qms.books.inspections().filter((one) => one.status === 'CREATED' || one.status === 'STARTED' || one.status === 'REOPENED')
        .length,
  }
}

function receive(
  world: World,
  plant: Plant,
  drawn: { readonly shape: Shape; readonly random: RandomStream; readonly index: number },
): void {
  const { shape, random, index } = drawn
  const lines = 1 + Math.floor(random.next() * 2)
  plant.erp.people.receive({
    lines: Array.from({ length: lines }, (_, line) => ({
      material: shape.landsUnrestricted && random.next() < 0.3 ? 'BAD' : random.next() < 0.15 ? 'NOLOT' : 'RM',
      batches: Array.from({ length: random.next() < 0.25 ? 2 : 1 }, (_batch, part) => ({
        batch: batchOf(random, { index, line, part }),
        quantity: String(100 + Math.floor(random.next() * 900)),
      })),
    })),
  })
  void world
}

/** Mostly a batch of its own; sometimes one that has been received before. */
function batchOf(random: RandomStream, place: { readonly index: number; readonly line: number; readonly part: number }): string {
  if (random.next() < 0.2) return `SHARED-${LOTS[Math.floor(random.next() * LOTS.length)]}`
  return `B-${place.index}-${place.line}-${place.part}`
}

/** Every second or so somebody in the laboratory looks for work. */
function inspectors(world: World, plant: Plant, drawn: { readonly shape: Shape; readonly random: RandomStream }): void {
  const { shape, random } = drawn
  const packed = new Set<string>()
  const round = (): void => {
    for (const inspection of plant.qms.books.inspections()) {
      const draw = random.next()
      const name = { number: inspection.number }
      if (inspection.status === 'CREATED' && draw < 0.3) plant.qms.people.start(name)
      if (inspection.status === 'STARTED' && draw < (shape.lateDecisions ? 0.08 : 0.4)) {
        decide(plant, inspection.number, { random, portions: shape.portions, packed })
        // Sometimes taken back at once, before anybody can have acted on it.
        if (random.next() < 0.1) world.schedule(null, random.next() * 800, () => plant.qms.people.reopen(name))
      }
      if (inspection.status === 'DECIDED' && draw < 0.01) plant.qms.people.reopen(name)
      if (inspection.status === 'REOPENED' && draw < 0.3) plant.qms.people.start(name)
    }
    if (world.now() < shape.healAtMs) world.schedule(null, 800 + random.next() * 1_500, round)
  }
  world.schedule(null, 1_000, round)
}

interface Deciding {
  readonly random: RandomStream
  readonly portions: boolean
  /** Carriers of batches of several receipts: what is decided again stands on them already. */
  readonly packed: Set<string>
}

function decide(plant: Plant, number: string, how: Deciding): void {
  const { random, packed } = how
  const inspection = plant.qms.books.inspections().find((one) => one.number === number)
  if (inspection === undefined) return
  const quantity = inspection.attributes['quantity'] ?? '0'
  const total = Number(quantity)
  const lot = nativeLot(inspection.attributes['lot'] ?? '')
  if (how.portions && random.next() < 0.5 && total > 10) {
    const part = Math.max(1, Math.floor(total * 0.1))
    const carrier = `HU-${number}`
    const split = (from: { readonly stock?: 'QI' }) =>
      plant.erp.people.transfer({ lot, from, to: { carrier }, quantity: String(part), by: 'inspector' })
    // What is being inspected, not what an earlier receipt of the batch has released.
    const inspected = packed.has(carrier) ? { ok: true } : split({ stock: 'QI' })
    if (inspected.ok && lot.includes('SHARED')) packed.add(carrier)
    const moved = inspected.ok || lot.includes('SHARED') ? inspected : split({})
    const carriers = [carrier]
    const named = random.next() < 0.85 && moved.ok
    plant.qms.people.decide({
      number,
      lines: [
        { usage: 'ACCEPT', quantity: String(total - part), portion: named ? { part: 'REST', except: carriers } : null },
        {
          usage: random.next() < 0.5 ? 'REJECT' : 'QUARANTINE',
          quantity: String(part),
          portion: named ? { part: 'CARRIERS', carriers } : null,
        },
      ],
    })
    return
  }
  const draw = random.next()
  const usage = draw < 0.65 ? 'ACCEPT' : draw < 0.85 ? 'REJECT' : 'QUARANTINE'
  const wrong = random.next() < 0.03
  plant.qms.people.decide({ number, lines: [{ usage, quantity: wrong ? String(total + 1) : quantity }] })
}

/** The lot as the ERP itself names it, from the hub's identifier. */
export function nativeLot(identifier: string): string {
  return identifier.slice(identifier.indexOf(':') + 1)
}

function anyLot(plant: Plant, random: RandomStream): string | undefined {
  const lots = plant.erp.books.lots()
  return lots[Math.floor(random.next() * lots.length)]
}

/** Somebody changes something by hand, between our read and our write or at any other time. */
function meddle(plant: Plant, random: RandomStream): void {
  const lot = anyLot(plant, random)
  if (lot === undefined) return
  const { people } = plant.erp
  const draw = random.next()
  if (draw < 0.2) people.block({ lot, by: 'foreman', ...(random.next() < 0.5 ? {} : { from: { stock: 'QI' as const } }) })
  else if (draw < 0.4) people.unblock({ lot, by: 'picker' })
  else if (draw < 0.55) people.move({ lot, from: { stock: 'QI' }, to: { stock: 'UNR' }, by: 'hasty' })
  else if (draw < 0.7) people.transfer({ lot, from: {}, to: { storageLocation: '0002' }, by: 'forklift' })
  else if (draw < 0.85) people.consume({ lot, quantity: '5' })
  else if (draw < 0.95) people.lockLot(lot, 4_000)
  else people.count({ lot, at: { stock: 'UNR' }, quantity: '-1' })
}

function reverse(plant: Plant, random: RandomStream): void {
  const receipts = plant.erp.books.receipts()
  const receipt = receipts[Math.floor(random.next() * receipts.length)]
  if (receipt !== undefined) plant.erp.people.reverseReceipt({ receipt: receipt.number })
}

/** Mostly lifted again some time later. */
function placeHold(
  world: World,
  desk: HoldDesk,
  drawn: { readonly random: RandomStream; readonly until: number; readonly lot: string | undefined },
): void {
  const { random, until, lot } = drawn
  if (lot === undefined) return
  const hold = desk.place(lot)
  if (random.next() >= 0.7) return
  world.schedule(null, random.next() * 15_000, () => {
    if (world.now() <= until) desk.lift(hold)
  })
}

/** A receipt comes again under its own number with another quantity. */
function contradict(plant: Plant, random: RandomStream, conflicts: { instance: string; record: string }[]): void {
  const notices = plant.erp.notices.all().filter((notice) => notice.type.toLowerCase().includes('receipt'))
  const notice = notices[Math.floor(random.next() * notices.length)]
  if (notice === undefined) return
  const forged = JSON.parse(JSON.stringify(notice)) as Notice & { data: { vendor?: string } }
  if (forged.data.vendor === undefined) return
  forged.data.vendor = 'V-OTHER'
  conflicts.push({ instance: 'erp-1', record: notice.subject })
  plant.erp.notices.send({ ...forged, id: `${notice.id}-again` })
}

/** An inspection comes again under a version it has had, with another inspector. */
function contradictInspection(plant: Plant, random: RandomStream, conflicts: { instance: string; record: string }[]): void {
  const open = new Set(plant.qms.books.inspections().flatMap((one) => (one.decision === null ? [one.number] : [])))
  const notices = plant.qms.notices.all().filter(({ subject }) => open.has(subject))
  const notice = notices[Math.floor(random.next() * notices.length)]
  if (notice === undefined) return
  const forged = JSON.parse(JSON.stringify(notice)) as Notice & { data: { changedBy?: string } }
  if (forged.data.changedBy === undefined) return
  forged.data.changedBy = 'somebody else'
  conflicts.push({ instance: 'qms-1', record: notice.subject })
  plant.qms.notices.send({ ...forged, id: `${notice.id}-again` })
}

function outages(world: World, plant: Plant, shape: Shape): void {
  const random = world.random('workload')
  for (const system of [plant.erp, plant.qms]) {
    world.schedule(null, random.next() * shape.healAtMs * 0.8, () => {
      void system.stop()
      world.schedule(null, 2_000 + random.next() * 8_000, () => void system.start())
    })
  }
}
