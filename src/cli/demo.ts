/**
 * The kernel at work for ten seconds: a small story over real sockets, told while it happens, and then what every system
 * really holds. Ends by itself, with 0 only if everything stands as it was declared before.
 */
import { constants } from 'node:os'
import type { Log } from '../engine/deps.ts'
import { formatAmount } from '../plant/amount.ts'
import { createJournalReader, type JournalReader } from './demo/journal.ts'
import { createPaper, type Paint, type Paper, paintWith, wantsColour } from './demo/paper.ts'
import { type Demonstration, ERP, openDemonstration, QMS } from './demo/plant.ts'
import { Overdue, play } from './demo/scenes.ts'
import { printTable } from './demo/table.ts'
import { allDifferences, corrupt, judgeEnd, type Verdict } from './demo/verdict.ts'
import { stopSignal } from './serve.ts'

export interface DemoOptions {
  readonly version: string
  /** One object on standard output; the story goes to standard error. */
  readonly json: boolean
  /** System whose truth is changed before it is read. */
  readonly corrupt: string | null
}

export const CORRUPTIBLE: readonly string[] = [ERP, QMS]

export async function demonstrate(options: DemoOptions): Promise<number> {
  const stream = options.json ? process.stderr : process.stdout
  const paint = paintWith(wantsColour(stream, process.env))
  const paper = createPaper((text) => void stream.write(text), paint)
  const stop = new AbortController()
  void stopSignal().then((signal) => stop.abort(signal))
  const demonstration = await openDemonstration({
    log: logOn(paper),
    onFailed: (detail) => {
      process.stderr.write(`store.failed: ${detail}\n`)
      process.exit(1)
    },
  })
  try {
    introduce(paper, demonstration, options.version)
    const journal = createJournalReader(demonstration.hub.store, paper)
    const unfinished = await tellStory({ demonstration, paper, journal, stopped: stop.signal })
    if (stop.signal.aborted) return 128 + constants.signals[stop.signal.reason as NodeJS.Signals]
    if (options.corrupt !== null) corrupt(demonstration, options.corrupt)
    const verdict = await judgeEnd(demonstration, journal.goals())
    const differences = [...unfinished, ...allDifferences(verdict)]
    conclude({ paper, paint, journal, verdict, differences })
    if (options.json) process.stdout.write(`${JSON.stringify(asJson({ journal, verdict, differences, paper }))}\n`)
    return differences.length === 0 ? 0 : 1
  } finally {
    await demonstration.close()
  }
}

function introduce(paper: Paper, { urls, hub }: Demonstration, version: string): void {
  paper.heading(`Holdpoint ${version}: may this lot be used? One ERP, one QMS, and the hub that keeps them in step`)
  paper.plain(`  ${ERP}   ${urls.erp}   keeps our reference on its documents; would post the same thing twice`)
  paper.plain(`  ${QMS}   ${urls.qms}   creates a record only once under one external id`)
  paper.plain(`  hub     ${hub.url}   its journal on disk before every acknowledgement and every request`)
}

/** Empty, or what did not come about in time. */
async function tellStory(stage: Parameters<typeof play>[0]): Promise<string[]> {
  try {
    await play(stage)
    return []
  } catch (error) {
    if (!(error instanceof Overdue)) throw error
    stage.paper.tell({ who: 'Story', what: error.message, mood: 'bad' })
    return [error.message]
  }
}

interface End {
  readonly journal: JournalReader
  readonly verdict: Verdict
  readonly differences: readonly string[]
  readonly paper: Paper
}

function conclude({ paper, paint, journal, verdict, differences }: End & { readonly paint: Paint }): void {
  paper.heading('What each system really holds, and what the hub believes')
  paper.plain(printTable(verdict, paint))
  for (const { code, owner, detail } of verdict.exceptions) paper.plain(`Open for a person (${owner}): ${code}. ${detail}`)
  const goals = journal.goals()
  const numbers = `${journal.inputs()} inputs, ${goals.length} goals, ${goals.flatMap(({ commands }) => commands).length} commands in ${paper.seconds().toFixed(1)} s`
  if (differences.length === 0) {
    paper.plain(paint('good', `\nEverything ended as declared: nothing lost, nothing doubled, nobody's block touched. ${numbers}.`))
    paper.plain(paint('dim', 'Folding the journal again gave the same rows, byte for byte. npm test shows what else holds.\n'))
  } else {
    paper.plain(paint('bad', `\nNot as declared (${numbers}):`))
    for (const difference of differences) paper.plain(paint('bad', `  ${difference}`))
  }
}

function asJson({ journal, verdict, differences, paper }: End): unknown {
  const goals: Record<string, number> = { open: 0, met: 0, parked: 0, refused: 0, superseded: 0, withdrawn: 0, skipped: 0, excluded: 0 }
  for (const { state } of journal.goals()) goals[state] = (goals[state] ?? 0) + 1
  return {
    ok: differences.length === 0,
    lots: verdict.lots.map((lot) => ({
      id: lot.id,
      story: lot.story,
      systems: {
        [ERP]: { kind: 'erp', stock: lot.erp.stock, usable: lot.erp.usable, documents: lot.erp.documents.map(documentJson) },
        [QMS]: {
          kind: 'qms',
          inspections: lot.qms.map(({ number, status, decision }) => ({ id: number, status, lines: decision?.lines ?? [] })),
        },
      },
      goals: lot.goals.map(({ name, state, evidence }) => ({ name, state, evidence })),
      differences: lot.differences,
    })),
    differences,
    goals,
    exceptions: verdict.exceptions.map(({ code, subject, detail }) => ({ code, subject, detail })),
    events: journal.inputs(),
    durationMs: Math.round(paper.seconds() * 1_000),
  }
}

function documentJson({ number, kind, reference, amount, by, at }: Verdict['lots'][number]['erp']['documents'][number]): unknown {
  return { number, kind, reference, quantity: formatAmount(amount), by, at }
}

function logOn(paper: Paper): Log {
  return {
    info: () => undefined,
    warn: (message, fields) => paper.tell({ who: 'Hub', what: `${message} ${JSON.stringify(fields ?? {})}`, mood: 'bad' }),
  }
}
