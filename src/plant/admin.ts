import type { HttpRequest, HttpResponse, Listener, Runtime } from '../runtime.ts'
import type { Disturbances, Disturber, ScriptedFault } from './disturbances.ts'
import type { Notices, PushSettings } from './notices.ts'
import { json, parseBody, queryOf } from './server.ts'

/** What the operator of a simulated system can do to it. Names are free; inputs and answers are JSON. */
export interface Administered {
  readonly disturber: Disturber
  readonly notices: Notices
  readonly start: () => Promise<string>
  readonly stop: () => Promise<void>
  readonly running: () => boolean
  /** What people do in the system, by name. */
  readonly people: Readonly<Record<string, (input: never) => unknown>>
  /** Parts of the plant's truth, by name. */
  readonly truth: Readonly<Record<string, (query: Readonly<Record<string, string>>) => unknown>>
  /** Everything else that can be set, by name. */
  readonly switches: Readonly<Record<string, (input: never) => unknown>>
}

export interface Admin {
  start(): Promise<string>
  stop(): Promise<void>
}

/**
 * The operator's door of a simulated system: JSON over HTTP, on a listener of its own. It is no part of the system's API,
 * no fault touches it, and it asks nobody for a password, so it belongs on the loopback interface only.
 *
 *     GET  /                     what there is
 *     GET  /truth/NAME?...       a part of the truth
 *     POST /people/NAME {...}    somebody does something
 *     POST /switches/NAME {...}  something is set
 *     GET, POST /faults {...}    shares and bounds of faults; POST changes those it names
 *     POST /faults/script [...]  faults for the next calls
 *     POST /push {...}           how notices are pushed
 *     POST /server {"running"}   the system goes down or comes up
 */
export function createAdmin(
  deps: { readonly runtime: Runtime },
  settings: { readonly host: string; readonly port: number },
  system: Administered,
): Admin {
  let listener: Listener | null = null
  return {
    start: async () => {
      listener ??= await deps.runtime.net.listen({ ...settings, bodyBytesMax: 1_048_576 }, (request) => serve(system, request))
      return listener.url
    },
    stop: async () => {
      const open = listener
      listener = null
      await open?.close()
    },
  }
}

async function serve(system: Administered, request: HttpRequest): Promise<HttpResponse> {
  const [area = '', name = ''] = (request.url.split('?', 1)[0] ?? '').split('/').slice(1)
  const input = parseBody(request)
  if (input === undefined) return problem(400, 'the body is not JSON')
  try {
    const answer =
      request.method === 'GET' ? look(system, { area, name, query: queryOf(request.url) }) : await act(system, { area, name, input })
    return answer === undefined
      ? problem(404, `nothing answers ${request.method} ${request.url}`)
      : json({ status: 200, body: answer ?? null })
  } catch (error) {
    return problem(400, error instanceof Error ? error.message : String(error))
  }
}

interface Looking {
  readonly area: string
  readonly name: string
  readonly query: Readonly<Record<string, string>>
}

/** Undefined: there is no such thing. */
function look(system: Administered, { area, name, query }: Looking): unknown {
  switch (area) {
    case '':
      return {
        running: system.running(),
        people: Object.keys(system.people),
        truth: Object.keys(system.truth),
        switches: Object.keys(system.switches),
      }
    case 'faults':
      return system.disturber.settings()
    case 'truth':
      return own(system.truth, name)?.(query)
    default:
      return undefined
  }
}

interface Acting {
  readonly area: string
  readonly name: string
  readonly input: unknown
}

async function act(system: Administered, { area, name, input }: Acting): Promise<unknown> {
  switch (area) {
    case 'people':
      return own(system.people, name)?.((input ?? {}) as never)
    case 'switches': {
      const set = own(system.switches, name)
      return set === undefined ? undefined : ((await set((input ?? {}) as never)) ?? null)
    }
    case 'faults':
      return name === 'script' ? script(system, input) : disturb(system, input)
    case 'push':
      system.notices.setPush(input as Partial<PushSettings>)
      return { pending: system.notices.pending() }
    case 'server':
      if ((input as { running?: unknown } | null)?.running === true) await system.start()
      else await system.stop()
      return { running: system.running() }
    default:
      return undefined
  }
}

function own<T>(things: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(things, name) ? things[name] : undefined
}

function script({ disturber }: Administered, input: unknown): unknown {
  if (!Array.isArray(input)) throw new Error('a list of faults is needed')
  disturber.script(...(input as readonly ScriptedFault[]))
  return { scripted: input.length }
}

/** A misspelled fault would be no fault at all. */
function disturb({ disturber }: Administered, input: unknown): unknown {
  const change = (input ?? {}) as Readonly<Record<string, unknown>>
  const known = disturber.settings() as unknown as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(change)) {
    if (!Object.hasOwn(known, name)) throw new Error(`no fault is called ${name}`)
    if (typeof value !== 'number' || !(value >= 0)) throw new Error(`${name} must be a number from 0`)
  }
  disturber.set(change as Partial<Disturbances>)
  return disturber.settings()
}

function problem(status: number, message: string): HttpResponse {
  return json({ status, body: { message } })
}
