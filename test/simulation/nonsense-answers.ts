import type { Connector, Outcome } from '../../src/connectors/connector.ts'
import type { HttpCall, HttpResult, Net } from '../../src/runtime.ts'

/** Of the answers that show lots. */
const SHARE = 0.06
/** The first is no number to anybody, the second none that calculating would notice. */
const QUANTITIES = ['1.000,50', 'n/a'] as const

interface Shown {
  quantity: string
}

interface Body {
  readonly lots: readonly { readonly buckets: readonly Shown[]; readonly documents: readonly Shown[] }[]
}

/** An ERP that now and then shows one lot with a quantity that is none, in good JSON, to reads and to the sweep. */
export function withNonsenseAnswers(net: Net, random: { next(): number }, calm: () => boolean): Net {
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random.next() * values.length)]
  const spoiled = (call: HttpCall, result: HttpResult): HttpResult => {
    if (calm() || result.kind !== 'response' || result.response.status !== 200) return result
    if (!new URL(call.url).pathname.startsWith('/lots') || random.next() >= SHARE) return result
    const body = JSON.parse(new TextDecoder().decode(result.response.body ?? new Uint8Array())) as Body
    const lot = pick(body.lots)
    const shown = pick([...(lot?.buckets ?? []), ...(lot?.documents ?? [])])
    if (shown === undefined) return result
    shown.quantity = pick(QUANTITIES) as string
    return { kind: 'response', response: { ...result.response, body: new TextEncoder().encode(JSON.stringify(body)) } }
  }
  return { ...net, request: async (call) => spoiled(call, await net.request(call)) }
}

const OUTCOME_SHARE = 0.04
const OUTCOMES: readonly unknown[] = [
  null,
  { outcome: 'done', detail: '' },
  { outcome: 'refused' },
  { outcome: 'needs-person', code: 'no.such.code', detail: '' },
  { outcome: 'later', class: 'transient', delayMs: Number.NaN, detail: '' },
]

/** A connector that now and then says of a command, whatever became of it, what is no outcome. */
export function withNonsenseOutcomes(connector: Connector, random: { next(): number }, calm: () => boolean): Connector {
  const spoiled = (outcome: Outcome): Outcome =>
    calm() || random.next() >= OUTCOME_SHARE ? outcome : (OUTCOMES[Math.floor(random.next() * OUTCOMES.length)] as Outcome)
  return { ...connector, apply: async (items, call) => (await connector.apply(items, call)).map(spoiled) }
}
