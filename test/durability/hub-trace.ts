import { parseTrace, type TracedCall } from './trace.ts'

/** Whether what left the hub was on its disk before. */
export interface Leaving {
  /** What it was: the id of an input, the reference of a command. Each half of it is found nowhere else. */
  readonly mark: string
  /** A write to the WAL carries the mark, and comes before. Without it nothing is proved. */
  readonly carried: boolean
  /** A sync of the WAL that succeeded lies between the last such write and the first byte that left. */
  readonly synced: boolean
}

export interface Trace {
  /** Bytes to a caller of the hub, or to a target, in the order in which they left. */
  readonly sends: readonly TracedCall[]
  readonly writes: readonly TracedCall[]
  readonly syncs: readonly TracedCall[]
}

/** Of `strace -f -yy`: sockets are `TCP:[near->far]`. */
export function readTrace(text: string): Trace {
  const calls = parseTrace(text)
  const wal = calls.filter(({ target }) => target.endsWith('-wal'))
  return {
    sends: calls.filter(({ target }) => target.startsWith('TCP:[')),
    writes: wal.filter(({ name }) => name === 'pwrite64' || name === 'write' || name === 'writev'),
    syncs: wal.filter(({ name, result }) => (name === 'fsync' || name === 'fdatasync') && result === 0),
  }
}

/** Answers of status 2xx that the hub gave, in their order. */
export function acknowledgements({ sends }: Trace, hubUrl: string): TracedCall[] {
  return sends.filter(({ target, rest }) => target.startsWith(`TCP:[${hostOf(hubUrl)}-`) && rest.includes('HTTP/1.1 2'))
}

/** The first bytes to `targetUrl` that hold the reference. */
export function requestWith({ sends }: Trace, targetUrl: string, reference: string): TracedCall | undefined {
  return sends.find(({ rest }) => rest.startsWith(`${hostOf(targetUrl)}]`) && rest.includes(reference))
}

function hostOf(url: string): string {
  return new URL(url).host
}

export function judgeLeaving(trace: Trace, mark: string, leaves: TracedCall | undefined): Leaving {
  if (leaves === undefined) return { mark, carried: false, synced: false }
  // A page may end in the middle of a mark: then one half of it stands whole in one write.
  const halves = [mark.slice(0, mark.length / 2), mark.slice(mark.length / 2)]
  const carrying = trace.writes.filter(({ begun, rest }) => begun < leaves.begun && halves.some((half) => rest.includes(half)))
  const last = carrying.at(-1)
  const synced = last !== undefined && trace.syncs.some(({ begun, ended }) => begun > last.ended && ended < leaves.begun)
  return { mark, carried: last !== undefined, synced }
}
