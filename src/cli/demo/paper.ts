/** Where the story is written: one line per thing that happened, evidence in a column of its own. */
export interface Paper {
  /** `who` does or notices something; `evidence` is the number under which it can be looked up. */
  tell(line: Line): void
  /** A line of its own, before or between chapters. */
  heading(text: string): void
  plain(text: string): void
  /** Seconds since the story began. */
  seconds(): number
}

export interface Line {
  readonly who: string
  readonly what: string
  readonly evidence?: string
  readonly mood?: 'good' | 'bad' | 'doubt'
}

export type Style = 'bold' | 'dim' | 'good' | 'bad' | 'doubt'

const CODES: Readonly<Record<Style, string>> = { bold: '1', dim: '2', good: '32', bad: '31', doubt: '33' }
const WHO_WIDTH = 9
const WHAT_WIDTH = 78

/** Colour only where somebody looks and did not ask for none (no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, environment: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
}

export type Paint = (style: Style, text: string) => string

export function paintWith(colour: boolean): Paint {
  return (style, text) => (colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}

export function createPaper(write: (text: string) => void, paint: Paint): Paper {
  const beganAt = performance.now()
  const seconds = (): number => (performance.now() - beganAt) / 1_000
  return {
    seconds,
    tell: ({ who, what, evidence, mood }) => {
      const text = mood === undefined ? what : paint(mood, what)
      const room = ' '.repeat(Math.max(2, WHAT_WIDTH - what.length))
      const proof = evidence === undefined ? '' : `${room}${paint('dim', evidence)}`
      write(`${paint('dim', seconds().toFixed(2).padStart(6))}  ${paint('bold', who.padEnd(WHO_WIDTH))}${text}${proof}\n`)
    },
    heading: (text) => write(`\n${paint('bold', text)}\n`),
    plain: (text) => write(`${text}\n`),
  }
}
