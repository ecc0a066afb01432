import type { GoalEntry, InputEntry } from '../../src/engine/entries.ts'
import type { Command } from '../../src/model/goal.ts'
import type { InspectionSnapshot } from '../../src/model/inspection.ts'
import type { Notice } from '../../src/plant/notices.ts'
import type { LedgerView } from './ledger-view.ts'
import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/** I1–I3, I5: what was acknowledged is in the journal once, nothing else is, and every sequence is whole. */
export async function checkJournal(run: Run, view: LedgerView): Promise<Violation[]> {
  return [
    ...checkSequences(view),
    ...checkIdentities(view),
    ...checkConflicts(run, view),
    ...checkCommands(run, view),
    ...checkParked(view),
    ...checkVersions(view),
    ...(await checkNoLossNoInvention(run, view)),
  ]
}

function checkSequences(view: LedgerView): Violation[] {
  const next = new Map<number, number>()
  const violations: Violation[] = []
  for (const { partition, sequence } of view.entries) {
    const expected = next.get(partition) ?? 1
    if (sequence !== expected) violations.push({ invariant: 'I3', message: `partition ${partition}: ${sequence} follows ${expected - 1}` })
    next.set(partition, sequence + 1)
  }
  return violations
}

function checkIdentities(view: LedgerView): Violation[] {
  const seen = new Set<string>()
  const violations: Violation[] = []
  for (const { event } of view.inputs) {
    const id = `${event.source.instance}/${event.source.record}@${event.source.version ?? ''} ${event.type}`
    if (seen.has(id)) violations.push({ invariant: 'I1', message: `${id} stands twice in the journal` })
    seen.add(id)
  }
  return violations
}

function checkConflicts(run: Run, view: LedgerView): Violation[] {
  // After a restore the forged copy may be the first one seen: then the true one is the conflict, or neither is.
  if (run.restoredAtMs !== null) return []
  return run.workload.conflicts.flatMap(({ record }) => {
    const known = view.exceptions.some((exception) => exception.code === 'identity.conflict')
    return known ? [] : [{ invariant: 'I5', message: `the second content of ${record} raised no conflict` }]
  })
}

async function checkNoLossNoInvention(run: Run, view: LedgerView): Promise<Violation[]> {
  const violations: Violation[] = []
  const raws = new Map<string, string>()
  for (const one of [...view.inputs.map((input) => input.raw), ...view.parked.map((parked) => parked.raw)])
    raws.set(one, await rawText(run, one))
  const kept = new Set<string>()
  const published = new Set(allNotices(run).map((notice) => notice.id))
  for (const input of view.inputs) {
    const id = idIn(raws.get(input.raw) ?? '', input.raw)
    if (id === null || !published.has(id.replace(/-again$/, '')))
      violations.push({ invariant: 'I2', message: `input ${input.partition}.${input.sequence} was never sent: ${input.raw}` })
    else kept.add(id)
  }
  for (const parked of view.parked) kept.add(idIn(raws.get(parked.raw) ?? '', parked.raw) ?? '')
  for (const { source, id, atMs } of run.probes.acknowledged) {
    // What was acknowledged after the copy and before its restore is asked for again by the sweep; pushed desk notices are not kept by anybody else.
    if (run.restoredAtMs !== null && atMs < run.restoredAtMs) continue
    const notice = allNotices(run).find((one) => one.id === id)
    if (notice !== undefined && !kept.has(id))
      violations.push({ invariant: 'I1', message: `${source} ${id} was acknowledged and is nowhere in the journal` })
  }
  return violations
}

function allNotices(run: Run): readonly Notice[] {
  return [...run.plant.erp.notices.all(), ...run.plant.qms.notices.all(), ...run.workload.deskNotices]
}

async function rawText(run: Run, reference: string): Promise<string> {
  const bytes = await run.store().readRaw(reference.slice(0, reference.lastIndexOf('/')))
  return bytes === null ? '' : new TextDecoder().decode(bytes)
}

function idIn(text: string, reference: string): string | null {
  if (text === '') return null
  const body = JSON.parse(text) as unknown
  const item = (Array.isArray(body) ? body[Number(reference.slice(reference.lastIndexOf('/') + 1))] : body) as
    | { readonly id?: string }
    | undefined
  return item?.id ?? null
}

/** I11: an unknown outcome becomes a new attempt only through reading, after quiesce, twice absent. */
function checkCommands(run: Run, view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const last = new Map<string, Command>()
  const byReading = new Set(['queryable', 'file', 'unsafe'])
  const classOf = (goal: string): string => {
    const known = view.goals.find((one) => one.id === goal)
    return known?.system === 'erp-1' ? run.shape.erpClass : known?.resource === 'inspection' ? run.shape.qmsClass : 'natural'
  }
  for (const entry of view.ledger) {
    const command = commandIn(entry, last)
    if (command === null) continue
    const before = last.get(command.id)
    last.set(command.id, command)
    if (before?.state !== 'unknown' || !byReading.has(classOf(entry.goal))) continue
    // To restrict twice does no harm: where no reference is kept, one read settles it.
    if (classOf(entry.goal) === 'unsafe' && command.action.type === 'move' && command.action.to === 'blocked') continue
    if (command.state === 'intent') violations.push({ invariant: 'I11', message: `${command.id} was sent again while unknown` })
    if (command.state === 'failed' && before.absentAt === null)
      violations.push({ invariant: 'I11', message: `${command.id} became failed without being read absent twice` })
  }
  return violations
}

/** The command after a ledger entry, or null when the entry speaks of something else. */
function commandIn({ change }: GoalEntry, known: ReadonlyMap<string, Command>): Command | null {
  if (change.type === 'command') return change.command
  if (change.type !== 'commandChanged') return null
  return { ...(known.get(change.command) as Command), ...change.changed }
}

/** A parked record blocks its own later inputs, but for those that withhold stock, and nobody else's; a person can see it. */
function checkParked(view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const parked = new Set<string>()
  for (const { entry } of view.entries) {
    if (entry.kind === 'parked') parked.add(`${entry.source.instance}/${entry.source.record}`)
    if (entry.kind !== 'input' || withholds(entry)) continue
    const { instance, record, version } = entry.event.source
    if (parked.has(`${instance}/${record}`))
      violations.push({ invariant: 'I5', message: `${record}@${version} passed the inputs that are parked before it` })
  }
  for (const { source } of view.parked) {
    const shown = view.exceptions.some(({ native }) => native?.instance === source.instance && native.record === source.record)
    if (!shown) violations.push({ invariant: 'I5', message: `${source.record} is parked and no exception says so` })
  }
  return violations
}

function withholds({ event }: InputEntry): boolean {
  const { status, decision } = event.data as Partial<InspectionSnapshot>
  if (status === 'reopened' || status === 'cancelled') return true
  return status === 'decided' && decision?.lines.every((line) => line.outcome === 'accepted') !== true
}

/** Nobody is told of an older version of a record after a newer one. */
function checkVersions(view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const sources = new Map(view.inputs.map(({ partition, sequence, event }) => [`${partition}.${sequence}`, event.source]))
  const newest = new Map<string, number>()
  for (const { input, process, key } of view.decisions) {
    const source = input === null ? undefined : sources.get(`${input.partition}.${input.sequence}`)
    if (source === undefined || source.version === null) continue
    const of = `${process} ${key} ${source.record}`
    const version = Number(source.version)
    if (version < (newest.get(of) ?? 0))
      violations.push({ invariant: 'I3', message: `${of} was told of ${version} after ${newest.get(of)}` })
    newest.set(of, Math.max(version, newest.get(of) ?? 0))
  }
  return violations
}
