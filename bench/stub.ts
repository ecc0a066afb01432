import type { AddressInfo } from 'node:net'
import { createBooks, type Tally } from './books.ts'
import { answerBench, tellBench } from './ipc.ts'
import { createLeanConnection, type LeanConnection, type LeanReply, listenLean } from './lean-http.ts'
import type { InspectionOrder, ItemAnswer, MovementOrder } from './wire.ts'
import { inspectionEvent, lotOf } from './workload.ts'

/**
 * The counting targets: QMS and ERP in one process, the same for every program under test. They dedupe by key, commit
 * before they answer, and keep the books by which a run is judged. About 50 ms after an inspection is created its
 * completion is posted to the hub until it answers 2xx, in decision order per lot.
 */
const INSPECTION_MS = 50
const TICK_MS = 4
const POST_TIMEOUT_MS = 5_000
const POST_RETRY_MS = 50
/** Events per request, longest wait for a full request, and requests in flight. */
const POSTS = {
  batched: { events: 100, lingerMs: 8, inFlightMax: 16 },
  single: { events: 1, lingerMs: 0, inFlightMax: 128 },
} as const

type Mode = keyof typeof POSTS
/** `refuse`: 503 without effect. `cutBefore`: connection cut without effect. `cutAfter`: effect, then the answer is lost. */
export type Outage = 'refuse' | 'cutBefore' | 'cutAfter'

export interface StubReport {
  readonly tally: Tally
  readonly calls: { readonly create: number; readonly move: number; readonly readInspection: number; readonly readStock: number }
  readonly items: { readonly create: number; readonly move: number; readonly readInspection: number; readonly readStock: number }
  readonly completionsPosted: number
  readonly postsRetried: number
}

interface Completion {
  readonly flow: number
  readonly key: string
  readonly at: string
  readonly decidedMs: number
}

const monoNow = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

const settings = { hubPort: 0, mode: 'batched' as Mode, outage: null as Outage | null }
const books = createBooks()
const calls = { create: 0, move: 0, readInspection: 0, readStock: 0 }
const items = { create: 0, move: 0, readInspection: 0, readStock: 0 }
let completionsPosted = 0
let postsRetried = 0
let dueFrom = 0
const due: { flow: number; key: string; at: number }[] = []
/** Decided, not yet posted, in the order of the decisions. */
const decided: Completion[] = []
/** Lots of completions on their way: the next one of such a lot waits, so that a lot's completions arrive in order. */
const lotsOnTheirWay = new Set<number>()
let idle: LeanConnection[] = []
let effectWaited = false
let now = new Date().toISOString()

function effect(): void {
  if (!effectWaited) return
  effectWaited = false
  tellBench('effect', monoNow())
}

function create(order: InspectionOrder): ItemAnswer {
  items.create += 1
  const at = monoNow()
  const answer = books.create(order, at)
  if (answer.status === 201) {
    due.push({ flow: Number(answer.id.slice(3)), key: order.key, at: at + INSPECTION_MS })
    effect()
  }
  return answer
}

function move(order: MovementOrder): ItemAnswer {
  items.move += 1
  const answer = books.move(order, now)
  if (answer.status === 201) effect()
  return answer
}

const single = (answer: ItemAnswer): LeanReply => ({ status: answer.status, body: JSON.stringify(answer) })
const many = (answers: readonly unknown[]): LeanReply => ({ status: 200, body: JSON.stringify({ items: answers }) })

function answerCall(path: string, body: string): LeanReply {
  const input: unknown = JSON.parse(body)
  switch (path) {
    case '/qms/inspections':
      calls.create += 1
      return single(create(input as InspectionOrder))
    case '/qms/inspections/batch':
      calls.create += 1
      return many((input as { items: InspectionOrder[] }).items.map(create))
    case '/erp/movements':
      calls.move += 1
      return single(move(input as MovementOrder))
    case '/erp/movements/batch':
      calls.move += 1
      return many((input as { items: MovementOrder[] }).items.map(move))
    case '/qms/inspections/read': {
      const keys = (input as { keys: string[] }).keys
      calls.readInspection += 1
      items.readInspection += keys.length
      return many(keys.map(books.readInspection))
    }
    case '/erp/stock/read': {
      const lots = (input as { lots: string[] }).lots
      calls.readStock += 1
      items.readStock += lots.length
      return many(lots.map(books.readStock))
    }
    default:
      return { status: 422, body: JSON.stringify({ status: 422, id: `unknown path ${path}` }) }
  }
}

function pump(mono: number): void {
  const { events, lingerMs } = POSTS[settings.mode]
  while (idle.length > 0) {
    const oldest = decided[0]
    if (oldest === undefined || (decided.length < events && mono - oldest.decidedMs < lingerMs)) return
    let size = 0
    for (let next = oldest as Completion | undefined; next !== undefined && size < events; next = decided[size]) {
      if (lotsOnTheirWay.has(lotOf(next.flow))) break
      size += 1
    }
    const connection = size === 0 ? undefined : idle.pop()
    if (connection === undefined) return
    void post(connection, decided.splice(0, size))
  }
}

async function post(connection: LeanConnection, batch: readonly Completion[]): Promise<void> {
  for (const { flow } of batch) lotsOnTheirWay.add(lotOf(flow))
  const events = batch.map(inspectionEvent)
  const [contentType, body] =
    settings.mode === 'single'
      ? ['application/cloudevents+json', events[0] ?? '']
      : ['application/cloudevents-batch+json', `[${events.join(',')}]`]
  for (;;) {
    const status = await connection.post({ path: '/v1/events', contentType, body, timeoutMs: POST_TIMEOUT_MS })
    if (status >= 200 && status < 300) break
    postsRetried += 1
    await new Promise((resolve) => setTimeout(resolve, POST_RETRY_MS))
  }
  completionsPosted += batch.length
  for (const { flow } of batch) lotsOnTheirWay.delete(lotOf(flow))
  idle.push(connection)
  pump(monoNow())
}

function tick(): void {
  now = new Date().toISOString()
  const mono = monoNow()
  for (let next = due[dueFrom]; next !== undefined && next.at <= mono; next = due[dueFrom]) {
    dueFrom += 1
    if (books.decide(next.flow)) decided.push({ flow: next.flow, key: next.key, at: now, decidedMs: mono })
  }
  if (dueFrom > 10_000) {
    due.splice(0, dueFrom)
    dueFrom = 0
  }
  pump(mono)
}

let releasedTold = 0
function tellProgress(): void {
  if (books.tally.released === releasedTold) return
  releasedTold = books.tally.released
  tellBench('released', releasedTold)
}

const server = await listenLean((path, body) => {
  if (settings.outage === 'refuse') return { status: 503, body: '{"status":503,"id":"down"}' }
  if (settings.outage === 'cutBefore') return null
  const reply = answerCall(path, body)
  return settings.outage === 'cutAfter' ? null : reply
})
setInterval(() => {
  tick()
  tellProgress()
}, TICK_MS)

answerBench({
  close: () => null,
  start(input: { hubPort: number; mode: Mode }) {
    settings.hubPort = input.hubPort
    settings.mode = input.mode
    idle = Array.from({ length: POSTS[input.mode].inFlightMax }, () => createLeanConnection(input.hubPort))
    return (server.address() as AddressInfo).port
  },
  outage(kind: Outage | null) {
    settings.outage = kind
  },
  /** The next effect is told as news `effect`. */
  waitEffect() {
    effectWaited = true
  },
  report(): StubReport {
    return { tally: books.tally, calls, items, completionsPosted, postsRetried }
  },
  createdAt(flows: readonly number[]) {
    return flows.map((flow) => books.flow(flow)?.createdAt ?? null)
  },
})
tellBench('ready', null)
