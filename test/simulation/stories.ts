import type { StockCode } from '../../src/plant/counting-erp/types.ts'
import type { Inspection, Portion } from '../../src/plant/counting-qms/types.ts'
import type { World } from '../../src/runtime/world.ts'
import { WIDE } from './call-limits.ts'
import { createHoldDesk, type HoldDesk } from './hold-desk.ts'
import type { Plant } from './plant.ts'
import { type Shape, TIMES } from './shape.ts'
import type { Workload } from './workload.ts'

/**
 * The core stories, each as short as it can be and without any fault of its own: exhaustive.ts adds exactly one. People
 * react to what they see, so that a story goes on whatever a fault has delayed.
 */
export interface Story {
  readonly name: string
  readonly shape: Partial<Shape>
  readonly play: (stage: Stage) => void
  /** Usable in the end, by lot, if nothing goes wrong. */
  readonly usable: Readonly<Record<string, string>>
}

interface Stage {
  readonly world: World
  readonly plant: Plant
  readonly desk: HoldDesk
  at(ms: number, act: () => void): void
  /** Calls `act` once, as soon as `seen` says so. */
  once(seen: () => boolean, act: () => void): void
  receive(batch: string, material?: string): void
  /** Decides each inspection once, as soon as it is there. */
  decide(lines: (inspection: Inspection) => readonly Line[]): void
}

interface Line {
  readonly usage: 'ACCEPT' | 'REJECT' | 'QUARANTINE'
  readonly quantity: string
  readonly portion?: Portion
}

/** All stories are over by then, if nothing goes wrong; a fault may begin until then. */
export const STORY_MS = 9_000

const LOOK_MS = 100
const QUANTITY = '100'
const LOT = 'batch:RM/B-1'
const BAD_LOT = 'batch:BAD/B-1'

const CALM: Partial<Shape> = {
  store: 'sqlite',
  erpClass: 'queryable',
  qmsClass: 'externalId',
  evidence: 'readBack',
  lagMs: 400,
  slowMsMax: 0,
  holdsMayPass: true,
  rungs: true,
  rollbacks: false,
  lateDecisions: false,
  restoreAtMs: null,
  powerLoss: false,
  commitFaults: false,
  clockSkewMs: 0,
  callLimits: WIDE,
  clockSet: null,
  pushDelayMsMax: 0,
  pushDuplicateShare: 0,
  pushBatchMax: 1,
  errorShare: 0,
  aimedPauses: false,
  aimedHolds: false,
  slowConnects: false,
  shortAnswers: false,
  nonsense: false,
  blindReads: null,
  sharedBatch: null,
  network: {},
  healAtMs: STORY_MS + 4 * TIMES.leaseMs,
}

const all = (usage: Line['usage']) => (): readonly Line[] => [{ usage, quantity: QUANTITY }]

export const STORIES: readonly Story[] = [
  accepted('accepted', {}),
  accepted('accepted, both queryable', { qmsClass: 'queryable', store: 'memory' }),
  accepted('accepted, answers are proof', { evidence: 'answer', erpClass: 'externalId' }),
  accepted('accepted, key', { erpClass: 'key', qmsClass: 'key' }),
  accepted('accepted, conditional', { erpClass: 'conditional' }),
  accepted('accepted, transport id', { erpClass: 'transportId', qmsClass: 'transportId', store: 'memory' }),
  accepted('accepted, file', { erpClass: 'file' }),
  accepted('accepted, natural', { erpClass: 'natural' }),
  accepted('accepted, unsafe', { erpClass: 'unsafe' }),
  {
    name: 'rejected',
    shape: {},
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('REJECT'))
    },
    usable: { [LOT]: '0' },
  },
  {
    name: 'landed unrestricted, rejected',
    shape: { landsUnrestricted: true, erpClass: 'externalId' },
    play: (stage) => {
      stage.receive('B-1', 'BAD')
      stage.decide(all('REJECT'))
    },
    usable: { [BAD_LOT]: '0' },
  },
  {
    name: 'landed unrestricted, accepted',
    shape: { landsUnrestricted: true, store: 'memory' },
    play: (stage) => {
      stage.receive('B-1', 'BAD')
      stage.decide(all('ACCEPT'))
    },
    usable: { [BAD_LOT]: '100' },
  },
  {
    name: 'divided',
    shape: {},
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(() => {
        stage.plant.erp.people.transfer({ lot: LOT, from: {}, to: { carrier: 'HU-1' }, quantity: '10', by: 'inspector' })
        return [
          { usage: 'ACCEPT', quantity: '90', portion: { part: 'REST', except: ['HU-1'] } },
          { usage: 'REJECT', quantity: '10', portion: { part: 'CARRIERS', carriers: ['HU-1'] } },
        ]
      })
    },
    usable: { [LOT]: '90' },
  },
  {
    name: 'reversed before the decision',
    shape: { erpClass: 'key' },
    play: (stage) => {
      stage.receive('B-1')
      stage.once(
        () => stage.plant.qms.books.inspections().length > 0,
        () => stage.plant.erp.people.reverseReceipt({ receipt: receiptOf(stage) }),
      )
    },
    usable: { [LOT]: '0' },
  },
  {
    name: 'reversed after the decision',
    shape: {},
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => usable(stage, LOT) === '100',
        () => stage.plant.erp.people.reverseReceipt({ receipt: receiptOf(stage) }),
      )
    },
    usable: { [LOT]: '0' },
  },
  {
    name: 'held while it is released',
    shape: { slowConnects: true },
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => stage.plant.qms.books.inspections().some((one) => one.decision !== null),
        () => {
          const hold = stage.desk.place(LOT)
          stage.at(stage.world.now() + 2_500, () => stage.desk.lift(hold))
        },
      )
    },
    usable: { [LOT]: '100' },
  },
  {
    name: 'held after it was released',
    shape: { erpClass: 'transportId', holdsMayPass: false },
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => usable(stage, LOT) === '100',
        () => stage.desk.place(LOT),
      )
    },
    usable: { [LOT]: '0' },
  },
  {
    name: 'blocked by a person, and freed again',
    shape: { store: 'memory' },
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => stage.plant.qms.books.inspections().length > 0,
        () => blockFor(stage, 'QI', 3_000),
      )
    },
    usable: { [LOT]: '100' },
  },
  {
    name: 'decided otherwise',
    shape: { erpClass: 'file' },
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => usable(stage, LOT) === '100',
        () => decideAnew(stage, 0, all('REJECT')()),
      )
    },
    usable: { [LOT]: '0' },
  },
  {
    name: 'refused, and held by a flag',
    shape: { landsUnrestricted: true },
    play: (stage) => {
      stage.plant.erp.people.closePeriod(4_000)
      stage.receive('B-1', 'BAD')
      stage.decide(all('REJECT'))
    },
    usable: { [BAD_LOT]: '0' },
  },
  {
    name: 'received again and rejected, then accepted',
    shape: {},
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
      stage.once(
        () => usable(stage, LOT) === '100',
        () => {
          stage.receive('B-1')
          stage.decide(all('REJECT'))
          stage.once(
            () => blocked(stage) === 2,
            () => decideAnew(stage, 1, all('ACCEPT')()),
          )
        },
      )
    },
    usable: { [LOT]: '200' },
  },
  { ...accepted('restored from an older copy', { store: 'memory', restoreAtMs: 4_000 }) },
]

function accepted(name: string, shape: Partial<Shape>): Story {
  return {
    name,
    shape,
    play: (stage) => {
      stage.receive('B-1')
      stage.decide(all('ACCEPT'))
    },
    usable: { [LOT]: '100' },
  }
}

function receiptOf(stage: Stage): string {
  return stage.plant.erp.books.receipts()[0]?.number ?? ''
}

/** The inspection with this index is taken back, and decided a second later. */
function decideAnew({ world, plant, at }: Stage, index: number, lines: readonly Line[]): void {
  const inspection = plant.qms.books.inspections()[index]
  if (inspection === undefined) return
  plant.qms.people.reopen({ number: inspection.number })
  at(world.now() + 1_000, () => plant.qms.people.decide({ number: inspection.number, lines }))
}

/** Documents that say so. */
function blocked({ plant }: Stage): number {
  return plant.erp.books.documents().filter(({ to }) => to?.stock === 'BLK').length
}

function usable(stage: Stage, lot: string): string {
  return stage.plant.erp.books.usable(lot)
}

function blockFor(stage: Stage, stock: StockCode, ms: number): void {
  const { people } = stage.plant.erp
  people.block({ lot: LOT, by: 'foreman', from: { stock } })
  stage.at(stage.world.now() + ms, () => people.unblock({ lot: LOT, by: 'foreman', to: { stock } }))
}

export function shapeOf(story: Story): Partial<Shape> {
  return { ...CALM, ...story.shape }
}

export function workloadOf(story: Story): (world: World, plant: Plant) => Workload {
  return (world, plant) => {
    const stage = openStage(world, plant)
    story.play(stage)
    return {
      deskHolds: stage.desk.holds,
      deskNotices: stage.desk.notices,
      conflicts: [],
      finish: () => undefined,
      undecided: () => 0,
      hold: () => undefined,
    }
  }
}

function openStage(world: World, plant: Plant): Stage {
  const at = (ms: number, act: () => void): void => void world.schedule(null, Math.max(0, ms - world.now()), act)
  const once = (seen: () => boolean, act: () => void): void => {
    if (seen()) act()
    else world.schedule(null, LOOK_MS, () => once(seen, act))
  }
  return {
    world,
    plant,
    desk: createHoldDesk(world, plant.desk),
    at,
    once,
    receive: (batch, material = 'RM') =>
      at(100, () => void plant.erp.people.receive({ lines: [{ material, batches: [{ batch, quantity: QUANTITY }] }] })),
    decide: (lines) =>
      once(
        () => plant.qms.books.inspections().some((one) => one.status === 'CREATED'),
        () => {
          const inspection = plant.qms.books.inspections().find((one) => one.status === 'CREATED') as Inspection
          plant.qms.people.decide({ number: inspection.number, lines: lines(inspection) })
        },
      ),
  }
}
