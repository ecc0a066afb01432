import type { HttpCall, HttpResponse, HttpResult, Net } from '../../src/runtime.ts'

/** One system cannot be read, from some time on until well after everything else is well again. */
export interface BlindReads {
  readonly host: 'erp' | 'qms'
  /** It fails, refuses our credentials, or answers something else than was asked. */
  readonly answer: 503 | 401 | 200
  readonly fromMs: number
}

/** So long after calm. What is silent by then is silent for good. */
export const BLIND_MS = 60_000

const SHARE = 0.1

/** Draws from a stream of its own: a seed without it tells the story it told before. */
export function drawBlindReads(random: { next(): number }, healAtMs: number): BlindReads | null {
  if (random.next() >= SHARE) return null
  const host = random.next() < 0.7 ? 'erp' : 'qms'
  const answer = ([503, 401, 200] as const)[Math.floor(random.next() * 3)] as BlindReads['answer']
  return { host, answer, fromMs: healAtMs * (0.2 + random.next() * 0.5) }
}

/** Reads of single subjects only: the sweep and its changes pass. */
export function withBlindReads(net: Net, blind: BlindReads, times: { readonly now: () => number; readonly untilMs: number }): Net {
  const hit = ({ url }: HttpCall): boolean => {
    const now = times.now()
    return now >= blind.fromMs && now < times.untilMs && url.startsWith(`http://${blind.host}:`) && url.endsWith('/read')
  }
  return {
    ...net,
    request: async (call) => {
      const result = await net.request(call)
      return hit(call) ? replaced(result, blind) : result
    },
  }
}

function replaced(result: HttpResult, { answer }: BlindReads): HttpResult {
  if (result.kind !== 'response') return result
  const response: HttpResponse = { ...result.response, status: answer, body: new TextEncoder().encode('{}') }
  return { kind: 'response', response }
}
