import Type, { type TSchema } from 'typebox'
import { ERRORS, type ErrorClass } from '../errors.ts'

const CLASSES: Readonly<Record<ErrorClass, true>> = {
  transient: true,
  rateLimit: true,
  authorization: true,
  data: true,
  mapping: true,
  contract: true,
  business: true,
  unknown: true,
}

/** Ten years: a date that far off can still be written and compared. */
const DELAY_MS_MAX = 315_360_000_000

const oneOf = (texts: readonly string[]): TSchema => Type.Union(texts.map((text) => Type.Literal(text)))

const detail = Type.String()
const reason = {
  class: oneOf(Object.keys(CLASSES)),
  delayMs: Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: DELAY_MS_MAX })]),
  detail,
}

/** What a connector must have said of a command item before it counts, by outcome. */
export const OUTCOME_SCHEMAS = {
  applied: Type.Object({ outcome: Type.Literal('applied'), detail }),
  later: Type.Object({ outcome: Type.Literal('later'), ...reason }),
  refused: Type.Object({ outcome: Type.Literal('refused'), detail }),
  unknown: Type.Object({ outcome: Type.Literal('unknown'), detail }),
  'needs-person': Type.Object({ outcome: Type.Literal('needs-person'), code: oneOf(Object.keys(ERRORS)), detail }),
} as const

/** The same of a read that failed. */
export const READ_FAILURE_SCHEMA = Type.Object({ read: Type.Literal('failed'), ...reason })
