import type { Foreign } from '../../model/reading.ts'
import { callJson, type JsonDeps } from '../kit/json/json-call.ts'
import { type Failure, failureOf, verdictOf } from './answers.ts'
import type { QmsSchema } from './schema.ts'

export interface Credentials {
  readonly user: string
  readonly password: string
}

export type Token = { readonly ok: true; readonly token: string } | { readonly ok: false; readonly failure: Failure }

/** The one session that all calls of a connector share. */
export interface Session {
  /** Logs in where there is no session; many callers wait for one login, each for as long as it may. */
  token(wait: Wait): Promise<Token>
  /** The QMS has taken this token. */
  worked(token: string): void
  /**
   * The QMS does not know this token any more. A newer one stays. How long to wait before the next try: nothing where
   * the session had worked; a new session that never did would be refused again at once, and again.
   */
  end(token: string): 0 | null
}

export interface Wait {
  readonly signal: AbortSignal
  readonly waitMs: number
}

export interface SessionSettings {
  readonly url: string
  readonly credentials: Credentials
  readonly schema: QmsSchema
  /** A QMS that slows logins down may take longer for one than a call may last. */
  readonly timeoutMs: number
}

const GIVEN_UP: Token = { ok: false, failure: { class: 'transient', delayMs: null, detail: 'not sent: the login took too long' } }

export function createSession(deps: JsonDeps, settings: SessionSettings): Session {
  let current: string | null = null
  let proven: string | null = null
  let login: Promise<Token> | null = null

  const logIn = async (): Promise<Token> => {
    const answer = await askForToken(deps, settings)
    if (answer.ok) current = answer.token
    return answer
  }
  return {
    token: async (wait) => {
      if (current !== null) return { ok: true, token: current }
      if (wait.signal.aborted) return GIVEN_UP
      login ??= logIn().finally(() => {
        login = null
      })
      return within(deps, wait, login)
    },
    worked: (token) => {
      proven = token
    },
    end: (token) => {
      if (current === token) current = null
      return proven === token ? 0 : null
    },
  }
}

/** Whoever gives up, the login goes on for the others. */
async function within({ clock }: JsonDeps, { signal, waitMs }: Wait, login: Promise<Token>): Promise<Token> {
  let stop = (): void => undefined
  const over = new Promise<Token>((resolve) => {
    const giveUp = (): void => resolve(GIVEN_UP)
    const cancel = clock.setTimer(Math.max(1, waitMs), giveUp)
    signal.addEventListener('abort', giveUp)
    stop = () => {
      cancel()
      signal.removeEventListener('abort', giveUp)
    }
  })
  try {
    return await Promise.race([login, over])
  } finally {
    stop()
  }
}

/** A login changes nothing: however it ends, it may be tried again. It belongs to no caller, so no caller's guard is asked. */
async function askForToken(deps: JsonDeps, { url, credentials, schema, timeoutMs }: SessionSettings): Promise<Token> {
  const { paths, session } = schema
  const result = await callJson(deps, {
    method: 'POST',
    url: `${url}${paths.login}`,
    body: { [session.user]: credentials.user, [session.password]: credentials.password },
    token: null,
    call: { signal: new AbortController().signal, timeoutMs, beforeWrite: () => true },
  })
  if (result.result === 'later') return failed({ class: result.class, delayMs: result.delayMs, detail: `login: ${result.detail}` })
  if (result.result === 'refused') return failed({ class: 'contract', delayMs: null, detail: `login: ${result.detail}` })
  if (result.result === 'unknown') return failed({ class: 'transient', delayMs: null, detail: `login: ${result.detail}` })
  const answer = verdictOf(schema, result.body)
  if (answer.verdict === 'failed') return failed(failureOf(answer.meaning, `login: ${answer.detail}`))
  if (answer.verdict === 'unclear') return failed({ class: 'transient', delayMs: null, detail: `login: ${answer.detail}` })
  const token = (answer.record as Foreign)[session.token]
  if (typeof token === 'string' && token !== '') return { ok: true, token }
  return failed({ class: 'contract', delayMs: null, detail: `login: no ${session.token} in the answer` })
}

function failed(failure: Failure): Token {
  return { ok: false, failure }
}
