import type { Runtime } from '../../src/runtime.ts'

/** A plain client of the simulated gateway, written from the vendor's pages: it keeps cookie and token, and nothing else. */
export interface S4Client {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<S4Answer>
  /** `request` is method and path: `POST /sap/...`. */
  send(request: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<S4Answer>
  /** Fetches a token; `send` does it when it has none. */
  fetchToken(): Promise<void>
  post(document: unknown): Promise<S4Answer>
  batch(root: string, parts: readonly string[]): Promise<S4Answer>
}

export interface S4Answer {
  /** 0: no answer came. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** What stands under `d`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly d: any
  readonly code: string
}

export const DOCUMENTS = '/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV'
export const STOCK = '/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV'
export const BATCHES = '/sap/opu/odata/sap/API_BATCH_SRV'

export interface S4ClientOptions {
  readonly url: string
  readonly user?: string
  readonly password?: string
  readonly timeoutMs?: number
}

export function createS4Client(runtime: Runtime, options: S4ClientOptions): S4Client {
  let cookie = ''
  let token = ''
  const authorization = `Basic ${btoa(`${options.user ?? 'HOLDPOINT'}:${options.password ?? 'secret'}`)}`
  const call = async (
    method: string,
    path: string,
    rest: { headers: Readonly<Record<string, string>>; body: string | null },
  ): Promise<S4Answer> => {
    const result = await runtime.net.request({
      method,
      url: options.url + path.replaceAll(' ', '%20'),
      headers: { authorization, accept: 'application/json', ...(cookie === '' ? {} : { cookie }), ...rest.headers },
      body: rest.body === null ? null : new TextEncoder().encode(rest.body),
      timeoutMs: options.timeoutMs ?? 5_000,
    })
    if (result.kind !== 'response') return { status: 0, headers: {}, text: result.reason, d: null, code: '' }
    const { status, headers, body } = result.response
    const text = new TextDecoder().decode(body)
    const json = (headers['content-type'] ?? '').includes('json') ? JSON.parse(text) : {}
    cookie = headers['set-cookie']?.split(';')[0] ?? cookie
    return { status, headers, text, d: json.d ?? null, code: json.error?.code ?? '' }
  }
  const client: S4Client = {
    get: (path, headers = {}) => call('GET', path, { headers, body: null }),
    fetchToken: async () => {
      token = (await client.get(`${DOCUMENTS}/`, { 'x-csrf-token': 'Fetch' })).headers['x-csrf-token'] ?? ''
    },
    send: async (request, body, headers = {}) => {
      const [method = '', ...rest] = request.split(' ')
      const path = rest.join(' ')
      if (token === '') await client.fetchToken()
      const text = body === null ? null : typeof body === 'string' ? body : JSON.stringify(body)
      return call(method, path, { headers: { 'x-csrf-token': token, 'content-type': 'application/json', ...headers }, body: text })
    },
    post: (document) => client.send(`POST ${DOCUMENTS}/A_MaterialDocumentHeader`, document),
    batch: (path, parts) =>
      client.send(`POST ${path}/$batch`, `${parts.map((part) => `--outer\r\n${part}\r\n`).join('')}--outer--\r\n`, {
        'content-type': 'multipart/mixed; boundary=outer',
        accept: 'multipart/mixed',
      }),
  }
  return client
}

/** One part of a batch: several creates that happen together. */
export function changeSet(requests: readonly { readonly path: string; readonly body: unknown }[]): string {
  const parts = requests.map(({ path, body }, index) =>
    [
      '--inner',
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      `Content-ID: ${index + 1}`,
      '',
      `POST ${path} HTTP/1.1`,
      'Content-Type: application/json',
      'Accept: application/json',
      '',
      JSON.stringify(body),
      '',
    ].join('\r\n'),
  )
  return `Content-Type: multipart/mixed; boundary=inner\r\n\r\n${parts.join('')}--inner--\r\n`
}

export function retrieval(path: string): string {
  return `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET ${path} HTTP/1.1\r\nAccept: application/json\r\n\r\n`
}

/** Status lines of the embedded answers, in order. */
export function embeddedStatuses(answer: S4Answer): readonly string[] {
  return answer.text.match(/(?<=HTTP\/1\.1 )\d+/g) ?? []
}
