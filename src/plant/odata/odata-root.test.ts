import { beforeEach, describe, expect, test } from 'vitest'
import { type Drift, type Entity, entityType, NO_DRIFT } from './edm.ts'
import type { EntitySet, ODataDeps, ODataReply, Operation } from './odata-api.ts'
import { ODataError } from './odata-error.ts'
import { answer } from './odata-root.ts'

/** A small plant system: things with parts. */
interface Shelf {
  things: Entity[]
  parts: Entity[]
}

const THING = entityType({
  name: 'A_Thing',
  keys: 'Name',
  fields:
    'Name:String(10), Note:String(5), Size:Decimal(3), Weight:Decimal, Made:DateTime, MadeAt:Time, Stamp:DateTimeOffset !c !u, Old:Boolean',
  etag: 'Stamp',
  navigations: 'to_Part>>A_Part',
})
const PART = entityType({
  name: 'A_Part',
  keys: 'Thing Number',
  fields: 'Thing:String(10), Number:String(4)',
  navigations: 'to_Thing>A_Thing',
})

const THINGS: EntitySet<Shelf> = {
  name: 'A_Thing',
  type: THING,
  list: (shelf) => shelf.things,
  find: (shelf, key) => shelf.things.find(({ Name }) => Name === key['Name']) ?? null,
  create: (shelf, { to_Part, ...input }) => {
    if (input['Name'] === 'bad') throw new ODataError(400, 'T/001', 'A bad thing')
    const thing = { ...input, Stamp: 1_000 }
    const parts = ((to_Part ?? []) as readonly Entity[]).map((_, index) => ({ Thing: String(input['Name']), Number: String(index + 1) }))
    shelf.things.push(thing)
    shelf.parts.push(...parts)
    return { ...thing, to_Part: parts }
  },
  update: (shelf, current, change) => {
    const stamp = Number(current['Stamp']) + 1
    shelf.things = shelf.things.map((thing) => (thing['Name'] === current['Name'] ? { ...thing, ...change, Stamp: stamp } : thing))
  },
  follow: { to_Part: (shelf, thing) => shelf.parts.filter((part) => part['Thing'] === thing['Name']) },
}
const PARTS: EntitySet<Shelf> = {
  name: 'A_Part',
  type: PART,
  list: (shelf) => shelf.parts,
  find: (shelf, key) => shelf.parts.find((part) => part['Thing'] === key['Thing'] && part['Number'] === key['Number']) ?? null,
  follow: { to_Thing: (shelf, part) => shelf.things.filter((thing) => thing['Name'] === part['Thing']) },
}

let shelf: Shelf
let drift: Drift
const ROOT = 'http://erp:80/sap/opu/odata/sap/API_THING_SRV/'
const deps: ODataDeps<Shelf> = {
  api: {
    namespace: 'API_THING_SRV',
    sets: [THINGS, PARTS],
    functions: [
      {
        name: 'Age',
        parameters: { Name: 'String', Day: 'DateTime' },
        optional: ['Day'],
        set: 'A_Thing',
        call: (on, { Name }) => {
          on.things = on.things.map((thing) => (thing['Name'] === Name ? { ...thing, Old: true } : thing))
          return on.things.find((thing) => thing['Name'] === Name) ?? {}
        },
      },
    ],
    pageSize: 2,
    changeSetOperationsMax: 3,
  },
  drift: () => drift,
  atomically: (work) => {
    const before = { things: [...shelf.things], parts: [...shelf.parts] }
    try {
      return work()
    } catch (error) {
      Object.assign(shelf, before)
      throw error
    }
  },
  frame: () => ({ namespace: 'API_THING_SRV', transactionId: 'T1', wallMs: 0 }),
  nextBoundary: () => 'answer-boundary',
}

beforeEach(() => {
  drift = NO_DRIFT
  shelf = {
    things: ['a', 'b', 'c', 'd', 'e'].map((Name, index) => ({
      Name,
      Size: String(index),
      Weight: `${index}.50`,
      Stamp: 1_000,
      Made: 0,
      MadeAt: 61,
    })),
    parts: [{ Thing: 'a', Number: '1' }],
  }
})

function ask(method: string, target: string, change: Partial<Operation<Shelf>> = {}): ODataReply {
  const [path = '', query = ''] = target.split('?')
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  return answer(deps, { method, path, query, headers, body: '', root: ROOT, reads: shelf, writes: shelf, breaksOff: false, ...change })
}

const get = (target: string): { readonly d: { readonly results: readonly Record<string, unknown>[] } & Record<string, unknown> } =>
  JSON.parse(ask('GET', target).body ?? '')
const names = (target: string): unknown => get(target).d.results.map((thing) => thing['Name'])
const post = (target: string, body: unknown): ODataReply => ask('POST', target, { body: JSON.stringify(body) })

describe('reading', () => {
  test('values have the forms of OData v2', () => {
    expect(get("A_Thing('b')").d).toEqual({
      __metadata: { id: `${ROOT}A_Thing('b')`, uri: `${ROOT}A_Thing('b')`, type: 'API_THING_SRV.A_ThingType', etag: expect.any(String) },
      Name: 'b',
      Note: '',
      Size: '1.000',
      Weight: '1.5',
      Made: '/Date(0)/',
      MadeAt: 'PT00H01M01S',
      Stamp: '/Date(1000+0000)/',
      Old: false,
      to_Part: { __deferred: { uri: `${ROOT}A_Thing('b')/to_Part` } },
    })
  })

  test('pages are driven by the server, and the link keeps the query', () => {
    const first = get("A_Thing?$filter=Name ne 'b'&$inlinecount=allpages&$top=3")
    expect(first.d).toMatchObject({ __count: '4', results: [{ Name: 'a' }, { Name: 'c' }] })
    const next = String(first.d['__next'])
    expect(next.startsWith(`${ROOT}A_Thing?`)).toBe(true)
    const second = get(next.slice(ROOT.length))
    expect(second.d.results).toMatchObject([{ Name: 'd' }])
    expect(second.d['__next']).toBeUndefined()
  })

  test('top, skip and order', () => {
    expect(names('A_Thing?$orderby=Size desc&$top=2')).toEqual(['e', 'd'])
    expect(names('A_Thing?$skip=3')).toEqual(['d', 'e'])
    expect(ask('GET', 'A_Thing/$count?$filter=Size gt 1').body).toBe('3')
  })

  test('select and expand', () => {
    expect(get("A_Thing('a')?$select=Name,to_Part/Number&$expand=to_Part").d).toEqual({
      __metadata: expect.anything(),
      Name: 'a',
      to_Part: { results: [{ __metadata: expect.anything(), Number: '1' }] },
    })
    expect(get("A_Part(Thing='a',Number='1')?$expand=to_Thing").d).toMatchObject({ to_Thing: { Name: 'a' } })
    expect(get("A_Thing('a')/to_Part").d.results).toMatchObject([{ Number: '1' }])
    expect(get("A_Part(Number='1',Thing='a')/to_Thing").d).toMatchObject({ Name: 'a' })
  })

  test.each([
    ['A_Thing?$filter=Nme eq 1', 400],
    ['A_Thing?$select=Nme', 400],
    ['A_Thing?$expand=to_Nothing', 400],
    ['A_Thing?$expand=to_Part/to_Nothing', 400],
    ['A_Thing?$expand=to_Part&$select=to_Part/Nothing', 400],
    ['A_Thing?$orderby=Nme', 400],
    ['A_Thing?$top=-1', 400],
    ['A_Thing?$search=a', 400],
    ['A_Thing?$format=atom', 400],
    ["A_Thing(Nme='a')", 400],
    ['A_Thing(5)', 400],
    ["A_Thing('x')", 404],
    ["A_Thing('x')/to_Part", 404],
    ["A_Thing('a')/to_Nothing", 404],
    ['A_Nothing', 404],
    ['A_Thing%ZZ', 400],
  ])('%s is answered %i with the error object', (target, status) => {
    const reply = ask('GET', target)
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body ?? '')).toMatchObject({
      error: {
        code: expect.any(String),
        message: { lang: 'en' },
        innererror: { transactionid: 'T1', errordetails: [{ severity: 'error' }] },
      },
    })
  })

  test('who does not ask for JSON gets none', () => {
    expect(ask('GET', 'A_Thing', { headers: {} }).status).toBe(406)
    expect(ask('GET', 'A_Thing?$format=json', { headers: {} }).status).toBe(200)
  })

  test('the model can be read', () => {
    expect(ask('GET', '$metadata').body).toContain('<Property Name="Stamp" Type="Edm.DateTimeOffset" ConcurrencyMode="Fixed"')
    expect(get('').d['EntitySets']).toEqual(['A_Thing', 'A_Part'])
  })
})

describe('writing', () => {
  test('a deep insert answers 201 with the entity, its address and its items', () => {
    const reply = post('A_Thing', { Name: 'new', Made: '/Date(86400000)/', Size: '1.5', to_Part: [{}, {}] })
    expect(reply).toMatchObject({ status: 201, headers: { location: `${ROOT}A_Thing('new')` } })
    expect(JSON.parse(reply.body ?? '').d).toMatchObject({
      Size: '1.500',
      Made: '/Date(86400000)/',
      to_Part: { results: [{ Number: '1' }, { Number: '2' }] },
    })
    expect(post('A_Thing', { d: { Name: 'too', to_Part: { results: [{}] } } }).status).toBe(201)
  })

  test.each([
    ['an unknown field', { Name: 'n', Nme: 'x' }],
    ['an unknown field in an item', { Name: 'n', to_Part: [{ Nme: 'x' }] }],
    ['too long', { Name: 'n', Note: 'longer' }],
    ['number instead of text', { Name: 'n', Size: 5 }],
    ['more decimals than the field has', { Name: 'n', Size: '1.0005' }],
    ['not a date', { Name: 'n', Made: 'today' }],
    ['not creatable', { Name: 'n', Stamp: '/Date(0)/' }],
    ['no object', ['n']],
  ])('%s is refused', (_, body) => {
    expect(post('A_Thing', body).status).toBe(400)
    expect(shelf.things).toHaveLength(5)
  })

  test('a change needs the ETag: 428 without, 412 with an old one, 204 with the right one', () => {
    const etag = ask('GET', "A_Thing('a')").headers['etag'] ?? ''
    const patch = (ifMatch: string | null): ODataReply => {
      const headers = { 'content-type': 'application/json', ...(ifMatch === null ? {} : { 'if-match': ifMatch }) }
      return ask('PATCH', "A_Thing('a')", { headers, body: '{"d":{"Note":"new"}}' })
    }
    expect(patch(null).status).toBe(428)
    expect(patch(etag)).toMatchObject({ status: 204, body: null })
    expect(patch(etag).status).toBe(412)
    expect(patch('*').status).toBe(204)
    expect(shelf.things[0]).toMatchObject({ Note: 'new' })
  })

  test('MERGE may be tunnelled through POST', () => {
    const headers = { 'content-type': 'application/json', 'if-match': '*', 'x-http-method': 'MERGE' }
    expect(ask('POST', "A_Thing('a')", { headers, body: '{"Note":"m"}' }).status).toBe(204)
  })

  test('what is not offered is answered 405, and other media 415', () => {
    expect(ask('DELETE', "A_Thing('a')").status).toBe(405)
    expect(post('A_Part', { Thing: 'a' }).status).toBe(405)
    expect(ask('PUT', "A_Thing('a')").status).toBe(405)
    expect(ask('POST', 'A_Thing', { headers: { 'content-type': 'text/plain' }, body: '{}' }).status).toBe(415)
    expect(post("A_Thing('x')", {}).status).toBe(405)
  })

  test('function imports take literals from the query', () => {
    expect(ask('POST', "Age?Name='b'&Day=datetime'2026-11-02T00:00:00'").status).toBe(200)
    expect(shelf.things[1]).toMatchObject({ Old: true })
    expect(ask('POST', 'Age').status).toBe(400)
    expect(ask('POST', 'Age?Name=b').status).toBe(400)
    expect(ask('GET', "Age?Name='b'").status).toBe(404)
  })
})

describe('batch', () => {
  const part = (request: string): string => `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n${request}\r\n`
  const insert = (name: string, id: string): string =>
    `Content-ID: ${id}\r\n${part(`POST A_Thing HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${JSON.stringify({ Name: name })}`)}`
  const changeSet = (...names: string[]): string =>
    `Content-Type: multipart/mixed; boundary=cs\r\n\r\n${names.map((name, index) => `--cs\r\n${insert(name, String(index + 1))}`).join('')}--cs--\r\n`
  const retrieve = (target: string): string => part(`GET ${target} HTTP/1.1\r\nAccept: application/json\r\n\r\n`)
  const send = (parts: readonly string[], change: Partial<Operation<Shelf>> = {}): ODataReply =>
    ask('POST', '$batch', {
      headers: { 'content-type': 'multipart/mixed; boundary=b1' },
      body: `${parts.map((text) => `--b1\r\n${text}`).join('')}--b1--\r\n`,
      ...change,
    })
  const statuses = (reply: ODataReply): readonly string[] => reply.body?.match(/(?<=HTTP\/1\.1 )\d+/g) ?? []

  test('answers 202 with a part for each part, change sets nested with their content ids', () => {
    const reply = send([
      retrieve("A_Thing?$filter=Name%20eq%20'a'"),
      changeSet('x', 'y'),
      retrieve(`${ROOT}A_Thing('x')`),
      retrieve('A_Nothing'),
    ])
    expect(reply.status).toBe(202)
    expect(reply.headers['content-type']).toBe('multipart/mixed; boundary=answer-boundary')
    expect(statuses(reply)).toEqual(['200', '201', '201', '200', '404'])
    expect(reply.body).toContain('Content-ID: 2')
  })

  test('a change set happens whole or not at all; the others go on', () => {
    const reply = send([changeSet('x', 'bad'), changeSet('y')])
    expect(statuses(reply)).toEqual(['400', '201'])
    expect(shelf.things.map(({ Name }) => Name)).toEqual(['a', 'b', 'c', 'd', 'e', 'y'])
  })

  test('a boundary may begin like another', () => {
    const inner = changeSet('x', 'y').replaceAll('--cs', '--b1-x').replace('boundary=cs', 'boundary=b1-x')
    expect(statuses(send([inner]))).toEqual(['201', '201'])
  })

  test('too many operations in a change set, and writes outside one, are refused', () => {
    expect(statuses(send([changeSet('1', '2', '3', '4')]))).toEqual(['400'])
    expect(statuses(send([part('POST A_Thing HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"Name":"z"}')]))).toEqual(['400'])
    expect(shelf.things).toHaveLength(5)
  })

  test('a batch that breaks off has done its first half', () => {
    expect(statuses(send([changeSet('x'), changeSet('y')], { breaksOff: true }))).toEqual(['201'])
    expect(shelf.things).toHaveLength(6)
  })

  test.each([
    ['no boundary in the content type', { headers: { 'content-type': 'application/json' } }, 415],
    ['no closing boundary', { body: '--b1\r\nContent-Type: application/http\r\n\r\n' }, 400],
    ['no request line', { body: `--b1\r\n${part('hello')}--b1--` }, 400],
  ])('%s', (_, change, status) => {
    expect(send([], change).status).toBe(status)
  })
})

describe('schema drift', () => {
  beforeEach(() => {
    drift = { renamed: { 'A_Thing.Note': 'Remark' }, added: { 'A_Thing.Colour': 'red' } }
  })

  test('a renamed field answers and is taken under its new name only', () => {
    shelf.things[0] = { ...shelf.things[0], Note: 'x' }
    expect(get("A_Thing('a')").d).toMatchObject({ Remark: 'x', Colour: 'red' })
    expect(get("A_Thing('a')").d).not.toHaveProperty('Note')
    expect(names("A_Thing?$filter=Remark eq 'x'")).toEqual(['a'])
    expect(ask('GET', "A_Thing?$filter=Note eq 'x'").status).toBe(400)
    expect(post('A_Thing', { Name: 'n', Note: 'x' }).status).toBe(400)
    expect(post('A_Thing', { Name: 'n', Remark: 'x' }).status).toBe(201)
    expect(ask('GET', '$metadata').body).toContain('Name="Remark"')
  })
})
