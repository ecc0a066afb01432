import type { HttpRequest, Runtime } from '../../runtime.ts'

/** Sessions of the gateway: a cookie, and a CSRF token that counts with that cookie only. Lost when the system restarts. */
export interface Sessions {
  /** Why a write may not go on; null: token and session are good. */
  refused(request: HttpRequest): boolean
  /** Headers to send with the answer of a request that fetches a token. */
  fetched(request: HttpRequest): Readonly<Record<string, string>>
  end(request: HttpRequest): void
  expireAll(): void
}

interface Session {
  readonly token: string
  usedMs: number
}

export interface SessionSettings {
  readonly cookie: string
  readonly idleMsMax: number
}

const SESSIONS_MAX = 10_000

export function createSessions(deps: { readonly runtime: Runtime }, settings: SessionSettings): Sessions {
  const { clock, ids, random } = deps.runtime
  const sessions = new Map<string, Session>()
  const current = (request: HttpRequest): Session | null => {
    const id = cookieOf(request, settings.cookie)
    const session = id === null ? undefined : sessions.get(id)
    if (id === null || session === undefined) return null
    if (clock.monoNow() - session.usedMs > settings.idleMsMax) {
      sessions.delete(id)
      return null
    }
    session.usedMs = clock.monoNow()
    return session
  }
  const open = (): readonly [string, Session] => {
    const oldest = sessions.keys().next()
    if (sessions.size >= SESSIONS_MAX && !oldest.done) sessions.delete(oldest.value)
    const id = ids.uuid().replaceAll('-', '')
    const letters = Array.from({ length: 24 }, () => Math.floor(random.next() * 36).toString(36))
    const session: Session = { token: `${letters.join('')}==`, usedMs: clock.monoNow() }
    sessions.set(id, session)
    return [id, session]
  }
  return {
    refused: (request) => {
      const session = current(request)
      return session === null || request.headers['x-csrf-token'] !== session.token
    },
    fetched: (request) => {
      if ((request.headers['x-csrf-token'] ?? '').toLowerCase() !== 'fetch') return {}
      const known = current(request)
      if (known !== null) return { 'x-csrf-token': known.token }
      const [id, session] = open()
      return { 'x-csrf-token': session.token, 'set-cookie': `${settings.cookie}=${id}; path=/; HttpOnly` }
    },
    end: (request) => {
      sessions.delete(cookieOf(request, settings.cookie) ?? '')
    },
    expireAll: () => {
      sessions.clear()
    },
  }
}

function cookieOf(request: HttpRequest, name: string): string | null {
  const pairs = (request.headers['cookie'] ?? '').split(';').map((pair) => pair.trim())
  const found = pairs.find((pair) => pair.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

/** Name and password of basic authentication; null: none, or not readable. */
export function basicCredentials(request: HttpRequest): { readonly user: string; readonly password: string } | null {
  const [scheme = '', encoded = ''] = (request.headers['authorization'] ?? '').split(' ')
  if (scheme.toLowerCase() !== 'basic') return null
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    const [user = '', ...rest] = new TextDecoder().decode(bytes).split(':')
    return { user, password: rest.join(':') }
  } catch {
    return null
  }
}
