/**
 * The yardstick: the least a program can do for the reference job. One process, one writer with group commit per
 * event-loop turn, append-only bodies, small state rows, a lane per lot. No processes, ledger, ownership, raw input,
 * audit or read-back: it shows what the machine gives, and the product is measured against it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { Compile } from 'typebox/compile'
import { Pool } from 'undici'
import { answerBench, tellBench } from './ipc.ts'
import { type Counters, settingsFromArguments } from './under-test.ts'
import { InspectionNotice, type ItemAnswer, ReceiptNotice } from './wire.ts'
import { batchId, inspectionKey, receiptId } from './workload.ts'

const RECEIVED = 1
const DECIDED = 2
const DONE = 3
interface Flow {
  readonly key: string
  readonly lot: string
  readonly quantity: string
  readonly item: string
  state: number
  decision: string
}
interface Lane {
  readonly steps: { readonly target: Target; readonly flow: Flow }[]
}
interface Target {
  readonly path: string
  readonly body: (flow: Flow) => string
  ready: Lane[]
  inFlight: number
}

const { mode, port, targetUrl, directory } = settingsFromArguments()
const itemsPerCall = mode === 'single' ? 1 : 500
const callsInFlightMax = mode === 'single' ? 64 : 2
const receiptCheck = Compile(ReceiptNotice)
const inspectionCheck = Compile(InspectionNotice)
const db = new DatabaseSync(`${directory}/yardstick.db`)
db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;
  CREATE TABLE IF NOT EXISTS body(seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS flow(key TEXT PRIMARY KEY, seq INTEGER NOT NULL, state INTEGER NOT NULL) WITHOUT ROWID`)
const insertBody = db.prepare('INSERT INTO body(body) VALUES(?)')
const insertFlow = db.prepare(`INSERT INTO flow(key, seq, state) VALUES(?, ?, ${RECEIVED}) ON CONFLICT DO NOTHING`)
const decideFlow = db.prepare(`UPDATE flow SET state=${DECIDED}, seq=? WHERE key=? AND state=${RECEIVED}`)
const finishFlow = db.prepare(`UPDATE flow SET state=${DONE} WHERE key=?`)

const pool = new Pool(targetUrl, { connections: callsInFlightMax * 2, pipelining: 1 })
const flows = new Map<string, Flow>()
const lanes = new Map<string, Lane>()
const counters = { rows: 0, commits: 0 }
const qms: Target = {
  path: '/qms/inspections',
  body: (flow) =>
    `{"key":"${flow.key}","reference":"C-${flow.key}","fields":{"lot":"${flow.lot}","item":"${flow.item}","quantity":"${flow.quantity}"}}`,
  ready: [],
  inFlight: 0,
}
const erp: Target = {
  path: '/erp/movements',
  body: (flow) =>
    `{"key":"M-${flow.key}","reference":"M-${flow.key}","lot":"${flow.lot}","from":"qualityInspection","to":"unrestricted","quantity":"${flow.quantity}","unit":"C62","decidedBy":"${flow.decision}"}`,
  ready: [],
  inFlight: 0,
}

/** Puts a step behind the earlier ones of its lot; a lane has at most one step on its way. */
function enqueue(target: Target, flow: Flow): void {
  const lane = lanes.get(flow.lot)
  if (lane !== undefined) {
    lane.steps.push({ target, flow })
    return
  }
  const made: Lane = { steps: [{ target, flow }] }
  lanes.set(flow.lot, made)
  target.ready.push(made)
}

function pump(target: Target): void {
  while (target.inFlight < callsInFlightMax && target.ready.length > 0) {
    const sent = target.ready.splice(0, itemsPerCall)
    target.inFlight += 1
    void call(target, sent)
  }
}

/** One call for the first step of each lane; whatever is not confirmed goes back to the front with the same key. */
async function call(target: Target, sent: Lane[]): Promise<void> {
  const bodies = sent.map((lane) => (lane.steps[0] === undefined ? '' : target.body(lane.steps[0].flow)))
  const [path, body] = mode === 'single' ? [target.path, bodies[0] ?? ''] : [`${target.path}/batch`, `{"items":[${bodies.join(',')}]}`]
  let answers: readonly ItemAnswer[] = []
  try {
    const reply = await pool.request({ path, method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const text = await reply.body.text()
    if (reply.statusCode < 300)
      answers = mode === 'single' ? [JSON.parse(text) as ItemAnswer] : (JSON.parse(text) as { items: ItemAnswer[] }).items
  } catch {
    answers = []
  }
  target.inFlight -= 1
  const failed: Lane[] = []
  sent.forEach((lane, index) => {
    const step = lane.steps[0]
    if (step === undefined) return
    if ((answers[index]?.status ?? 0) < 200 || (answers[index]?.status ?? 0) > 299) {
      failed.push(lane)
      return
    }
    if (target === erp) finished.push(step.flow)
    lane.steps.shift()
    if (lane.steps[0] === undefined) lanes.delete(step.flow.lot)
    else lane.steps[0].target.ready.push(lane)
  })
  if (failed.length > 0) setTimeout(() => retry(target, failed), 50)
  wake()
}

function retry(target: Target, failed: Lane[]): void {
  target.ready = failed.concat(target.ready)
  wake()
}

const requests: { readonly events: (ReceiptNotice | InspectionNotice)[]; readonly response: ServerResponse }[] = []
let finished: Flow[] = []
let awake = false
function wake(): void {
  if (awake) return
  awake = true
  setImmediate(turn)
}

/** Everything that came in since the last turn, in one transaction; acknowledged and acted upon after it is durable. */
function turn(): void {
  awake = false
  const accepted = requests.splice(0)
  const done = finished
  finished = []
  const next: [Target, Flow][] = []
  if (accepted.length > 0 || done.length > 0) {
    db.exec('BEGIN IMMEDIATE')
    for (const { events } of accepted) for (const event of events) record(event, next)
    for (const flow of done) finish(flow)
    db.exec('COMMIT')
    counters.commits += 1
  }
  for (const { response } of accepted) response.end('{"accepted":true}')
  for (const [target, flow] of next) enqueue(target, flow)
  pump(qms)
  pump(erp)
}

function record(event: ReceiptNotice | InspectionNotice, next: [Target, Flow][]): void {
  if ('document' in event.data) {
    for (const line of event.data.lines) {
      const lot = batchId(line.material, line.batch)
      const flow: Flow = {
        key: inspectionKey(receiptId(event.data.document), line.line, lot),
        lot,
        quantity: line.quantity,
        item: line.material,
        state: RECEIVED,
        decision: '',
      }
      if (flows.has(flow.key)) continue
      const { lastInsertRowid: seq } = insertBody.run(JSON.stringify(event))
      if (insertFlow.run(flow.key, seq).changes === 0) continue
      counters.rows += 2
      flows.set(flow.key, flow)
      next.push([qms, flow])
    }
    return
  }
  const flow = flows.get(event.data.key)
  if (flow === undefined || flow.state !== RECEIVED) return
  decideFlow.run(insertBody.run(JSON.stringify(event)).lastInsertRowid, flow.key)
  counters.rows += 2
  flow.state = DECIDED
  flow.decision = event.data.decision.decidedBy
  next.push([erp, flow])
}

function finish(flow: Flow): void {
  finishFlow.run(flow.key)
  counters.rows += 1
  flows.delete(flow.key)
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString()
    const parsed: unknown = JSON.parse(text)
    const events = Array.isArray(parsed) ? parsed : [parsed]
    if (events.every((event) => receiptCheck.Check(event) || inspectionCheck.Check(event))) requests.push({ events, response })
    else response.writeHead(422).end('{"accepted":false}')
    wake()
  })
}

/** After a restart: open flows in the order they came in, decided ones in the order of their decisions. */
function resume(): void {
  const rows = db
    .prepare(`SELECT flow.key, flow.state, body.body FROM flow JOIN body USING(seq) WHERE state<${DONE} ORDER BY flow.seq`)
    .all()
  for (const row of rows) {
    const key = String(row['key'])
    const [, , lot] = key.split('#')
    const event = JSON.parse(String(row['body'])) as ReceiptNotice | InspectionNotice
    const receipt = 'document' in event.data ? event.data.lines[0] : null
    const decision = 'document' in event.data ? null : event.data.decision
    const quantity = receipt?.quantity ?? decision?.lines[0]?.quantity ?? ''
    const flow: Flow = {
      key,
      lot: lot ?? '',
      quantity,
      item: receipt?.material ?? '',
      state: Number(row['state']),
      decision: decision?.decidedBy ?? '',
    }
    flows.set(key, flow)
    enqueue(flow.state === RECEIVED ? qms : erp, flow)
  }
  wake()
}

resume()
const server = createServer({ keepAliveTimeout: 60_000 }, receive)
server.listen(port, '127.0.0.1', () => tellBench('ready', null))
answerBench({
  counters: (): Counters => ({ ...counters, open: flows.size }),
  close: () => db.close(),
})
