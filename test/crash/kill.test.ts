import { mkdirSync, mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compareRebuilt } from '../../src/engine/rebuild.ts'
import { doubled, lost } from './check-books.ts'
import { hubConfig } from './hub-config.ts'
import { type HubProcess, startHub } from './hub-process.ts'
import { type CrashPlant, openPlant } from './plant.ts'
import { checkIntegrity, doubtsOf, goalsOf, lookAtRemains, openStore } from './store-copy.ts'

const KILLS = Number(process.env['HOLDPOINT_KILLS'] ?? 100)
const IN_FLIGHT_SHARE_MIN = 0.3
const RECEIPTS_PER_KILL_MIN = 3
const LIFE_MS_MIN = 90
const LIFE_MS_MAX = 400
const DRAIN_MS_MAX = 60_000
const TIMEOUT_MS = 120_000 + KILLS * 4_000

let folder: string
let plant: CrashPlant
let hub: HubProcess | null = null
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-crash-'))
  mkdirSync(join(folder, 'copy'))
  plant = await openPlant()
})
afterEach(async () => {
  await hub?.kill()
  await plant.close()
  rmSync(folder, { recursive: true })
})

it(`a hub that is killed ${KILLS} times under load loses nothing, does nothing twice and tears nothing`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const directory = join(folder, 'hub')
  const config = hubConfig({ directory, ...plant.urls })
  const inFlight: number[] = []
  const readyMs: number[] = []
  plant.startWork()
  for (let kill = 1; kill <= KILLS; kill++) {
    hub = await startHub({ config })
    readyMs.push(hub.readyMs)
    plant.tell(hub.url)
    await sleep(LIFE_MS_MIN + Math.random() * (LIFE_MS_MAX - LIFE_MS_MIN))
    await hub.kill()
    const remains = await lookAtRemains(directory, join(folder, 'copy'))
    expect(remains.integrity, `after kill ${kill}`).toBe('ok')
    expect(doubled(plant), `after kill ${kill}`).toEqual([])
    inFlight.push(remains.inFlight.length)
    if (kill % 20 === 0) say(`${kill} of ${KILLS} kills, ${plant.erp.books.receipts().length} receipts`)
  }
  plant.finishWork()
  hub = await startHub({ config })
  readyMs.push(hub.readyMs)
  plant.tell(hub.url)
  await drain(hub)
  expect(lost(plant)).toEqual([])
  expect(doubled(plant)).toEqual([])
  expect(await hub.stop()).toMatchObject({ code: 0 })
  await checkStore(join(directory, 'holdpoint.db'))
  report(inFlight, readyMs)
  expect(inFlight.filter((count) => count > 0).length / KILLS).toBeGreaterThanOrEqual(IN_FLIGHT_SHARE_MIN)
  // Even a hub that never lives for long gets on with its work: else people would have waited for it.
  expect(plant.erp.books.receipts().length).toBeGreaterThan(KILLS * RECEIPTS_PER_KILL_MIN)
})

/** Until everything stands in the targets' books and the hub has seen it there. */
async function drain(running: HubProcess): Promise<void> {
  const deadline = Date.now() + DRAIN_MS_MAX
  while (Date.now() < deadline && (lost(plant).length > 0 || (await running.openGoals()) > 0)) await sleep(200)
}

/** What the hub itself believes at the end: every goal has ended, nobody is asked, and its journal says the same as its rows. */
async function checkStore(path: string): Promise<void> {
  expect(checkIntegrity(path)).toBe('ok')
  const store = openStore(path)
  const goals = await goalsOf(store)
  expect(goals.length).toBeGreaterThan(KILLS)
  expect(goals.filter(({ state }) => state !== 'met' && state !== 'withdrawn')).toEqual([])
  expect(await store.scanRows({ table: 'exception', activeOnly: true, after: '', limit: 10 })).toEqual([])
  for (let partition = 0; partition < store.meta.partitions; partition++) expect(await compareRebuilt(store, partition)).toEqual([])
  // Both ways must have occurred, or the hard case has not been tried.
  const doubts = await doubtsOf(store)
  say(`commands in doubt: ${doubts.done} turned out done, ${doubts.notDone} not done`)
  expect(Math.min(doubts.done, doubts.notDone)).toBeGreaterThan(0)
  await store.close()
}

function report(inFlight: readonly number[], readyMs: readonly number[]): void {
  const sorted = [...readyMs].sort((one, other) => one - other)
  const at = (share: number): string => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)} ms`
  const hit = inFlight.filter((count) => count > 0).length
  const { erp, qms } = plant
  say(`${KILLS} kills, ${hit} of them with an intent in flight (${Math.round((100 * hit) / KILLS)} %)`)
  say(`restart to ready: p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)}`)
  say(`${erp.books.receipts().length} receipts, ${qms.books.effects().length + erp.books.effects().length} effects in the targets`)
  say(`${erp.books.counts().repeated + qms.books.counts().repeated} items sent again: 0 lost, 0 doubled, 0 corrupt`)
}

/** Past the test runner, which keeps what a passed test says to itself. */
function say(text: string): void {
  writeSync(2, `  crash: ${text}\n`)
}
