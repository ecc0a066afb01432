import type { HttpCall, HttpResult, Net } from '../../src/runtime.ts'

/** Of the calls that carry items. */
const SHARE = 0.1

type Body = Record<string, unknown>

/** Targets that answer a batch with one result too few, in good JSON: for an item that they have done, or that they have lost. */
export function withShortAnswers(net: Net, random: { next(): number }, calm: () => boolean): Net {
  return {
    ...net,
    request: async (call) => {
      const sent = bodyOf(call.body)
      if (calm() || !Array.isArray(sent['items']) || random.next() >= SHARE) return net.request(call)
      return random.next() < 0.5 ? net.request(losing(call, sent)) : shortened(await net.request(call))
    },
  }
}

function losing(call: HttpCall, sent: Body): HttpCall {
  return { ...call, body: bytesOf(withoutLast(sent, 'items')) }
}

function shortened(result: HttpResult): HttpResult {
  if (result.kind !== 'response') return result
  const answered = bodyOf(result.response.body)
  if (!Array.isArray(answered['results'])) return result
  return { kind: 'response', response: { ...result.response, body: bytesOf(withoutLast(answered, 'results')) } }
}

function withoutLast(body: Body, list: string): Body {
  return { ...body, [list]: (body[list] as readonly unknown[]).slice(0, -1) }
}

function bodyOf(bytes: Uint8Array | null): Body {
  return bytes === null || bytes.length === 0 ? {} : (JSON.parse(new TextDecoder().decode(bytes)) as Body)
}

function bytesOf(body: Body): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body))
}
