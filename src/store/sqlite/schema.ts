import type { RowTable } from '../store.ts'
import type { Migration } from './migrate.ts'

export const ROW_TABLES: readonly RowTable[] = ['state', 'goal', 'timer', 'exception', 'parked', 'context', 'cursor', 'setting']
/** Tables whose tag is a way in: order key, instance, cause group, native key. */
const TAGGED: ReadonlySet<RowTable> = new Set(['goal', 'timer', 'exception', 'parked'])

/** Name of the table that holds the rows of `table`. */
export function rowTableName(table: RowTable): string {
  return `${table}_row`
}

/**
 * `log`: what each transaction changed, until it is folded into the tables below; replayed at the start (memtable.ts).
 * `journal_chunk`, `raw_chunk`: bodies, append-only, packed and compressed many at a time (codec.ts); `journal` and
 * `raw` say what lies where. Row tables keep a rowid: bodies of one time lie together, which halves the cost of a
 * write against keeping them in order of their random ids (9 against 19 microseconds of CPU at 60,000 rows).
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    steps: [
      [
        'CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB NOT NULL)',
        'CREATE TABLE journal_chunk (id INTEGER PRIMARY KEY, body BLOB NOT NULL)',
        'CREATE TABLE raw_chunk (id INTEGER PRIMARY KEY, body BLOB NOT NULL)',
        `CREATE TABLE journal (partition INTEGER NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL, chunk INTEGER NOT NULL,
        at INTEGER NOT NULL, PRIMARY KEY (partition, last)) WITHOUT ROWID`,
        'CREATE TABLE raw (id TEXT PRIMARY KEY, chunk INTEGER NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID',
        'CREATE TABLE identity (key BLOB PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
        `CREATE TABLE inbox (partition INTEGER NOT NULL, sequence INTEGER NOT NULL, process TEXT NOT NULL, key TEXT NOT NULL,
        lane TEXT NOT NULL, from_partition INTEGER NOT NULL, from_sequence INTEGER NOT NULL, from_ordinal INTEGER NOT NULL,
        PRIMARY KEY (partition, sequence)) WITHOUT ROWID`,
        `CREATE TABLE partition_state (partition INTEGER PRIMARY KEY, next_sequence INTEGER NOT NULL, next_inbox INTEGER NOT NULL,
        worker TEXT, epoch INTEGER NOT NULL, expires_at INTEGER NOT NULL)`,
        ...ROW_TABLES.flatMap(rowTableStatements),
      ],
    ],
  },
]

function rowTableStatements(table: RowTable): string[] {
  const name = rowTableName(table)
  return [
    `CREATE TABLE ${name} (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL,
      active INTEGER NOT NULL, tag TEXT NOT NULL, body TEXT NOT NULL)`,
    `CREATE INDEX ${name}_active ON ${name} (partition, id) WHERE active = 1`,
    ...(TAGGED.has(table) ? [`CREATE INDEX ${name}_tag ON ${name} (tag, id)`] : []),
  ]
}
