import type { Runtime } from '../../runtime.ts'

export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text where it is not JSON. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Of one record in a bulk write. */
export interface WireResult {
  readonly responseStatus: string
  readonly event?: string
  readonly data?: { readonly id: string; readonly number: string; readonly version: number; readonly status: string }
  readonly errors?: readonly { readonly type: string; readonly field?: string; readonly message: string }[]
}

/** What a plain HTTP client sees of the QMS. Every method throws when no answer comes. */
export interface WireClient {
  /** Its session is used from now on. */
  logIn(username?: string, password?: string): Promise<WireAnswer>
  get(path: string): Promise<WireAnswer>
  post(path: string, body: unknown): Promise<WireAnswer>
  /** A bulk write; throws when it was refused as a whole. */
  write(path: string, records: readonly unknown[]): Promise<readonly WireResult[]>
  act(action: string, item: object): Promise<WireResult>
  /** The only record under an external id. */
  show(externalId: string): Promise<Readonly<Record<string, unknown>>>
}

export function createWireClient(runtime: Runtime, url: string): WireClient {
  let session = ''
  const call = async (method: string, path: string, body: unknown): Promise<WireAnswer> => {
    const result = await runtime.net.request({
      method,
      url: `${url}${path}`,
      headers: { 'content-type': 'application/json', authorization: session },
      body: body === null ? null : new TextEncoder().encode(JSON.stringify(body)),
      timeoutMs: 5_000,
    })
    if (result.kind !== 'response') throw new Error(`${result.kind}: ${result.reason}`)
    const { status, headers } = result.response
    const text = new TextDecoder().decode(result.response.body)
    return { status, headers, body: headers['content-type'] === 'application/json' ? JSON.parse(text) : { text } }
  }
  const post = (path: string, body: unknown): Promise<WireAnswer> => call('POST', path, body)
  const data = async (path: string, body: unknown): Promise<readonly unknown[]> => {
    const answer = await post(path, body)
    if (!Array.isArray(answer.body['data'])) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body['data']
  }
  const write = async (path: string, records: readonly unknown[]): Promise<readonly WireResult[]> =>
    (await data(path, records)) as readonly WireResult[]
  return {
    logIn: async (username, password) => {
      const answer = await call('POST', '/auth', { username: username ?? 'INTEGRATION', password: password ?? 'integration-password' })
      session = String(answer.body['sessionId'] ?? '')
      return answer
    },
    get: (path) => call('GET', path, null),
    post,
    write,
    act: async (action, item) => {
      const [result] = await write(`/objects/inspections/actions/${action}`, [item])
      if (result === undefined) throw new Error('no result')
      return result
    },
    show: async (externalId) => {
      const [seen] = (await data('/objects/inspections/read', { external_ids: [externalId] })) as readonly {
        readonly records?: readonly Readonly<Record<string, unknown>>[]
      }[]
      if (seen?.records?.length !== 1 || seen.records[0] === undefined) throw new Error(JSON.stringify(seen))
      return seen.records[0]
    },
  }
}
