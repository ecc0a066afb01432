/**
 * What goes wrong again and again is told when it begins, when it becomes another trouble, and when it is over: a log
 * that says the same every minute is read by nobody.
 */
import type { Log } from './deps.ts'

/** One of a number that the configuration limits. */
export interface Part {
  readonly instance: string
  readonly part: string
}

export interface Troubles {
  /** Warns unless this was the last word about the part. */
  begin(part: Part, message: string, fields: Readonly<Record<string, unknown>>): void
  /** Does nothing where there was no trouble. */
  end(part: Part, message: string): void
}

export function createTroubles(log: Log): Troubles {
  const told = new Map<string, string>()
  const keyOf = ({ instance, part }: Part): string => `${instance}|${part}`
  return {
    begin: (part, message, fields) => {
      if (told.get(keyOf(part)) === message) return
      told.set(keyOf(part), message)
      log.warn(message, { ...part, ...fields })
    },
    end: (part, message) => {
      if (told.delete(keyOf(part))) log.info(message, { ...part })
    },
  }
}
