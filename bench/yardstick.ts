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

type Notice = ReceiptNotice | InspectionNotice
interface Flow {
  /** `{receipt}#{line}#{lot}`: external id of the inspection. */
  readonly key: string
  readonly lot: string
  quantity: string
  decidedBy: string
  decided: boolean
}
interface Target {
  readonly path: string
  readonly body: (flow: Flow) => string
  /** Lanes whose first step can be sent. */
  ready: Lane[]
  inFlight: number
}
/** Steps of one lot, in order; only the first is on its way. */
type Lane = { readonly target: Target; readonly flow: Flow }[]

const { mode, port, targetUrl, directory } = settingsFromArguments()
const limits = { batched: { items: 500, calls: 2 }, single: { items: 1, calls: 64 } }[mode]
const receiptCheck = Compile(ReceiptNotice)
const inspectionCheck = Compile(InspectionNotice)
const db = new DatabaseSync(`${directory}/yardstick.db`)
db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;
  CREATE TABLE IF NOT EXISTS body(seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS flow(key TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID`)
const insertBody = db.prepare('INSERT INTO body(body) VALUES(?)')
const insertFlow = db.prepare("INSERT INTO flow(key, seq, state) VALUES(?, ?, 'r') ON CONFLICT DO NOTHING")
const decideFlow = db.prepare("UPDATE flow SET state='d', seq=? WHERE key=? AND state='r'")
const finishFlow = db.prepare("UPDATE flow SET state='f' WHERE key=?")
const openFlows = db.prepare("SELECT key, state, body FROM flow JOIN body USING(seq) WHERE state<>'f' ORDER BY seq")

const pool = new Pool(targetUrl, { connections: limits.calls * 2, pipelining: 1 })
const flows = new Map<string, Flow>()
const lanes = new Map<string, Lane>()
const counters = { rows: 0, commits: 0 }
const qms: Target = {
  path: '/qms/inspections',
  body: ({ key, lot, quantity }) => `{"key":"${key}","reference":"C-${key}","fields":{"lot":"${lot}","quantity":"${quantity}"}}`,
  ready: [],
  inFlight: 0,
}
const erp: Target = {
  path: '/erp/movements',
  body: ({ key, lot, quantity, decidedBy }) =>
    `{"key":"M-${key}","reference":"M-${key}","lot":"${lot}","from":"qualityInspection","to":"unrestricted","quantity":"${quantity}","unit":"C62","decidedBy":"${decidedBy}"}`,
  ready: [],
  inFlight: 0,
}

function enqueue(target: Target, flow: Flow): void {
  const lane = lanes.get(flow.lot) ?? []
  if (lane.push({ target, flow }) > 1) return
  lanes.set(flow.lot, lane)
  target.ready.push(lane)
}

function pump(target: Target): void {
  while (target.inFlight < limits.calls && target.ready.length > 0) {
    target.inFlight += 1
    void call(target, target.ready.splice(0, limits.items))
  }
}

/** One call for the first step of each lane. What is not confirmed is sent again, with the same key, before anything else. */
async function call(target: Target, sent: Lane[]): Promise<void> {
  const bodies = sent.flatMap(([step]) => (step === undefined ? [] : [target.body(step.flow)]))
  const request =
    mode === 'single' ? { path: target.path, body: bodies[0] ?? '' } : { path: `${target.path}/batch`, body: `{"items":[${bodies}]}` }
  const answers = await send(request)
  target.inFlight -= 1
  const again = sent.filter((lane, index) => answers[index] === undefined || answers[index].status > 299 || !advance(lane))
  if (again.length > 0) {
    setTimeout(() => {
      target.ready = again.concat(target.ready)
      wake()
    }, 50)
  }
  wake()
}

async function send({ path, body }: { readonly path: string; readonly body: string }): Promise<readonly ItemAnswer[]> {
  try {
    const reply = await pool.request({ path, method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const answer = JSON.parse(await reply.body.text()) as ItemAnswer & { readonly items?: readonly ItemAnswer[] }
    return answer.items ?? [answer]
  } catch {
    return []
  }
}

function advance(lane: Lane): boolean {
  const done = lane.shift()
  if (done?.target === erp) finished.push(done.flow)
  if (lane[0] !== undefined) lane[0].target.ready.push(lane)
  else if (done !== undefined) lanes.delete(done.flow.lot)
  return true
}

let requests: { readonly notices: readonly Notice[]; readonly response: ServerResponse }[] = []
let finished: Flow[] = []
let awake = false
function wake(): void {
  if (!awake) setImmediate(turn)
  awake = true
}

/** Everything since the last turn in one transaction; acknowledged and acted upon when it is durable. */
function turn(): void {
  awake = false
  const accepted = requests
  const done = finished
  requests = []
  finished = []
  const next: [Target, Flow][] = []
  if (accepted.length + done.length > 0) {
    db.exec('BEGIN IMMEDIATE')
    for (const { notices } of accepted) for (const notice of notices) record(notice, next)
    for (const flow of done) finish(flow)
    db.exec('COMMIT')
    counters.commits += 1
  }
  for (const { response } of accepted) response.end('{"accepted":true}')
  for (const [target, flow] of next) enqueue(target, flow)
  pump(qms)
  pump(erp)
}

function record(notice: Notice, next: [Target, Flow][]): void {
  if ('document' in notice.data) {
    for (const { line, material, batch, quantity } of notice.data.lines) {
      const lot = batchId(material, batch)
      const key = inspectionKey(receiptId(notice.data.document), line, lot)
      if (flows.has(key) || insertFlow.run(key, insertBody.run(JSON.stringify(notice)).lastInsertRowid).changes === 0) continue
      counters.rows += 2
      const flow: Flow = { key, lot, quantity, decidedBy: '', decided: false }
      flows.set(key, flow)
      next.push([qms, flow])
    }
    return
  }
  const flow = flows.get(notice.data.key)
  if (flow === undefined || flow.decided) return
  decideFlow.run(insertBody.run(JSON.stringify(notice)).lastInsertRowid, flow.key)
  counters.rows += 2
  flow.decided = true
  flow.decidedBy = notice.data.decision.decidedBy
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
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const notices = Array.isArray(parsed) ? parsed : [parsed]
    if (notices.every((notice) => receiptCheck.Check(notice) || inspectionCheck.Check(notice))) requests.push({ notices, response })
    else response.writeHead(422).end('{"accepted":false}')
    wake()
  })
}

/** After a restart: open flows in the order of their receipts, decided ones in the order of their decisions. */
for (const row of openFlows.all()) {
  const key = String(row['key'])
  const { data } = JSON.parse(String(row['body'])) as Notice
  const decided = row['state'] === 'd'
  const { quantity } = ('document' in data ? data.lines : data.decision.lines)[0] ?? { quantity: '' }
  const flow: Flow = { key, lot: key.split('#')[2] ?? '', quantity, decided, decidedBy: 'document' in data ? '' : data.decision.decidedBy }
  flows.set(key, flow)
  enqueue(decided ? erp : qms, flow)
}
wake()
createServer({ keepAliveTimeout: 60_000 }, receive).listen(port, '127.0.0.1', () => tellBench('ready', null))
answerBench({
  counters: (): Counters => ({ ...counters, open: flows.size }),
  close: () => db.close(),
})
