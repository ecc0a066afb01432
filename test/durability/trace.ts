/** Calls to trace so that every way to write a file or to answer is seen: `strace -f -y -e trace=${TRACED_CALLS}`. */
export const TRACED_CALLS = 'pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync'

/** One system call of a trace made with `-f -y -o`. */
export interface TracedCall {
  readonly name: string
  /** What the file descriptor stands for, as `-y` names it. */
  readonly target: string
  /** Everything between the parentheses after the descriptor, escaped as strace does. */
  readonly rest: string
  /** Null: the call never returned. */
  readonly result: number | null
  /** Lines of the trace on which the call began and returned: the order of things, over all threads. */
  readonly begun: number
  readonly ended: number
}

const CALL = /^(?<thread>\d+)\s+(?<name>\w+)\((?<descriptor>\d+)<(?<target>.*?)>(?<rest>.*)$/
const RESUMED = /^(?<thread>\d+)\s+<\.\.\. \w+ resumed>(?<rest>.*)$/
const RESULT = /\)\s+= (?<result>-?\d+)/
const UNFINISHED = '<unfinished ...>'

export function parseTrace(trace: string): TracedCall[] {
  const calls: TracedCall[] = []
  const open = new Map<string, number>()
  for (const [line, text] of trace.split('\n').entries()) {
    const begun = CALL.exec(text)?.groups
    const resumed = RESUMED.exec(text)?.groups
    if (begun !== undefined) {
      const { thread = '', name = '', target = '', rest = '' } = begun
      if (rest.endsWith(UNFINISHED)) open.set(thread, calls.length)
      const result = RESULT.exec(rest)?.groups?.['result']
      calls.push({ name, target, rest, result: result === undefined ? null : Number(result), begun: line, ended: line })
    } else if (resumed !== undefined) {
      const index = open.get(resumed['thread'] ?? '')
      const call = index === undefined ? undefined : calls[index]
      if (index === undefined || call === undefined) continue
      open.delete(resumed['thread'] ?? '')
      const result = RESULT.exec(resumed['rest'] ?? '')?.groups?.['result']
      calls[index] = { ...call, result: result === undefined ? null : Number(result), ended: line }
    }
  }
  return calls
}

export interface Acknowledgement {
  readonly call: TracedCall
  /** Writes to the WAL since the acknowledgement before: what was made durable for this one. */
  readonly walWrites: number
  /** A sync of the WAL that succeeded lies between the last write to it and the first byte of the answer. */
  readonly synced: boolean
}

/** Finds the acknowledgements in a trace and says of each whether it came after the data was on the disk. */
export function checkAcknowledgements(trace: string, isAcknowledgement: (call: TracedCall) => boolean): Acknowledgement[] {
  const calls = parseTrace(trace)
  const wal = calls.filter(({ target }) => target.endsWith('-wal'))
  const writes = wal.filter(({ name }) => name === 'pwrite64' || name === 'write' || name === 'writev')
  const syncs = wal.filter(({ name, result }) => (name === 'fsync' || name === 'fdatasync') && result === 0)
  let before = -1
  return calls.filter(isAcknowledgement).map((call) => {
    const earlier = writes.filter(({ begun }) => begun < call.begun)
    const last = earlier.at(-1)
    const synced = last === undefined || syncs.some(({ begun, ended }) => begun > last.ended && ended < call.begun)
    const walWrites = earlier.filter(({ begun }) => begun > before).length
    before = call.begun
    return { call, walWrites, synced }
  })
}
