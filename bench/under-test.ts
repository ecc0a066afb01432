/** What every program under test is started with and answers: yardstick and product alike. */
export type Mode = 'batched' | 'single'

export interface ProgramSettings {
  readonly mode: Mode
  /** Port the program listens on, at 127.0.0.1: fixed, so that senders find it again after a kill. */
  readonly port: number
  readonly targetUrl: string
  /** Directory that survives a kill. */
  readonly directory: string
}

/** Answer to the question `counters`; null where a program does not know. */
export interface Counters {
  /** Rows inserted, updated or deleted, and transactions committed, since the start of the process. */
  readonly rows: number | null
  readonly commits: number | null
  /** Work not yet done and verified: 0 means the program is at rest. Null: the bench waits until it uses no CPU. */
  readonly open: number | null
}

export function settingsFromArguments(): ProgramSettings {
  const text = process.argv[2]
  if (text === undefined) throw new Error('this program is started by bench/bench.ts, with its settings as JSON in the first argument')
  return JSON.parse(text) as ProgramSettings
}
