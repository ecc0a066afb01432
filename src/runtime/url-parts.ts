import { assert } from '../assert.ts'

export interface UrlParts {
  /** Scheme and authority. */
  readonly origin: string
  /** host:port as written. */
  readonly authority: string
  /** Path with query, as it stands in the request line. */
  readonly path: string
}

/** Takes an absolute http(s) URL apart without normalising it: what a connector wrote is what is sent. */
export function parseUrl(url: string): UrlParts {
  const parts = /^(https?:\/\/([^/?#]+))([^#]*)/.exec(url)
  const [, origin, authority, path] = parts ?? []
  assert(origin !== undefined && authority !== undefined && path !== undefined, `not an absolute http URL: ${url}`)
  return { origin, authority, path: path.startsWith('/') ? path : `/${path}` }
}
