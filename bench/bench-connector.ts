import type { Call, CommandItem, Connector, ConnectorSpec, Outcome, ReadResult, ResourceSpec } from '../src/connectors/connector.ts'
import { callJson, type JsonDeps, outcomeOf, readFailureOf } from '../src/connectors/kit/json/json-call.ts'
import { fromModel, identify, toModel, toRecordObservation, toStockObservation } from './bench-mapping.ts'
import type { Mode } from './under-test.ts'
import type { InspectionRead, ItemAnswer, StockRead } from './wire.ts'
import { ERP, QMS, SITE } from './workload.ts'

/** The counting stub as the hub sees it: two systems, each with one resource, bulk read, and batch apply in batched mode. */
export interface BenchTarget {
  readonly url: string
  readonly mode: Mode
}

const DAY_MS = 86_400_000
const ITEMS_PER_CALL = 500
const CALLS_IN_FLIGHT: Readonly<Record<Mode, number>> = { batched: 4, single: 64 }

type Protection = Pick<ResourceSpec, 'resource' | 'idempotency' | 'keyWindowMs'>

function specOf(target: BenchTarget, instance: string, resources: readonly Protection[]): ConnectorSpec {
  return {
    name: 'bench',
    version: 1,
    instance,
    site: SITE,
    callTimeoutMs: 2_000,
    callsInFlightMax: CALLS_IN_FLIGHT[target.mode],
    callsPerSecondMax: 1_000_000,
    resources: resources.map((resource) => ({
      ...resource,
      evidence: 'readBack',
      // The stub commits before it answers and executes at once; what remains is what may wait in socket buffers.
      lagMs: 0,
      quiesceMs: 100,
      rungMax: 0,
      holdsMayPass: true,
      applyBatchMax: target.mode === 'single' ? 1 : ITEMS_PER_CALL,
      readBatchMax: ITEMS_PER_CALL,
    })),
  }
}

export function createBenchErp(deps: JsonDeps, target: BenchTarget): Connector {
  const spec = specOf(target, ERP, [{ resource: 'inventory', idempotency: 'key', keyWindowMs: DAY_MS }])
  return { ...partsOf(deps, target, spec), read: (_resource, subjects, call) => readStock(deps, target, { subjects, call }) }
}

export function createBenchQms(deps: JsonDeps, target: BenchTarget): Connector {
  const spec = specOf(target, QMS, [
    { resource: 'inspection', idempotency: 'externalId', keyWindowMs: 0 },
    { resource: 'inspectionStatus', idempotency: 'natural', keyWindowMs: 0 },
  ])
  return { ...partsOf(deps, target, spec), read: (_resource, subjects, call) => readInspections(deps, target, { subjects, call }) }
}

function partsOf(deps: JsonDeps, target: BenchTarget, spec: ConnectorSpec): Omit<Connector, 'read'> {
  return {
    spec,
    identify,
    toModel,
    apply: (items, call) =>
      target.mode === 'single' ? applySingly(deps, target, { items, call }) : applyTogether(deps, target, { items, call }),
    sweep: () => Promise.resolve({ failed: 'the bench does not sweep' }),
    changes: () => Promise.resolve({ failed: 'the stub pushes its changes' }),
  }
}

interface Sent {
  readonly items: readonly CommandItem[]
  readonly call: Call
}

const cannot = (item: CommandItem): Outcome => ({ outcome: 'refused', detail: `the bench target knows no ${item.action.type}` })

function outcomeOfItem(answer: ItemAnswer | undefined): Outcome {
  if (answer === undefined) return { outcome: 'unknown', detail: 'no result for this item' }
  return answer.status < 300 ? { outcome: 'applied', detail: answer.id } : { outcome: 'refused', detail: answer.id }
}

async function applyTogether(deps: JsonDeps, target: BenchTarget, { items, call }: Sent): Promise<readonly Outcome[]> {
  const requests = items.map((item) => fromModel(item.action, item.reference))
  const path = requests.find((request) => request !== null)?.path
  if (path === undefined) return items.map(cannot)
  const bodies = requests.flatMap((request) => (request === null ? [] : [request.body]))
  const result = await callJson(deps, { method: 'POST', url: `${target.url}${path}/batch`, body: { items: bodies }, token: null, call })
  const answers = result.result === 'answered' ? (result.body as { readonly items: readonly ItemAnswer[] }).items : []
  let next = 0
  return items.map((item, index) => {
    if (requests[index] === null) return cannot(item)
    if (result.result !== 'answered') return outcomeOf(result)
    next += 1
    return outcomeOfItem(answers[next - 1])
  })
}

function applySingly(deps: JsonDeps, target: BenchTarget, { items, call }: Sent): Promise<readonly Outcome[]> {
  return Promise.all(
    items.map(async (item) => {
      const request = fromModel(item.action, item.reference)
      if (request === null) return cannot(item)
      const result = await callJson(deps, { method: 'POST', url: target.url + request.path, body: request.body, token: null, call })
      return result.result === 'answered' ? outcomeOfItem(result.body as ItemAnswer) : outcomeOf(result)
    }),
  )
}

interface Asked {
  readonly subjects: readonly string[]
  readonly call: Call
}

async function readStock(deps: JsonDeps, target: BenchTarget, { subjects, call }: Asked): Promise<readonly ReadResult[]> {
  const beganAt = timeText(deps)
  const result = await callJson(deps, { method: 'POST', url: `${target.url}/erp/stock/read`, body: { lots: subjects }, token: null, call })
  if (result.result !== 'answered') return subjects.map(() => readFailureOf(result))
  const times = { beganAt, endedAt: timeText(deps), source: 'read' } as const
  return (result.body as { readonly items: readonly StockRead[] }).items.map((read) => ({
    read: 'observed',
    observation: { ...toStockObservation(read), ...times },
  }))
}

async function readInspections(deps: JsonDeps, target: BenchTarget, { subjects, call }: Asked): Promise<readonly ReadResult[]> {
  const beganAt = timeText(deps)
  const result = await callJson(deps, {
    method: 'POST',
    url: `${target.url}/qms/inspections/read`,
    body: { keys: subjects },
    token: null,
    call,
  })
  if (result.result !== 'answered') return subjects.map(() => readFailureOf(result))
  const times = { beganAt, endedAt: timeText(deps), source: 'read' } as const
  return (result.body as { readonly items: readonly InspectionRead[] }).items.map((read) => ({
    read: 'observed',
    observation: { ...toRecordObservation(read), ...times },
  }))
}

function timeText(deps: JsonDeps): string {
  return new Date(deps.clock.wallNow()).toISOString()
}
