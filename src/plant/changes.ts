import type { Runtime } from '../runtime.ts'
import type { Disturber } from './disturbances.ts'
import type { Notices } from './notices.ts'
import { limitOf } from './paging.ts'
import type { Received, Reply } from './server.ts'

export interface ChangesDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly notices: Notices
}

/** `GET /changes?after=&limit=`: native notices oldest first, as late as every other read. */
export function pageChanges(deps: ChangesDeps): (received: Received) => Reply {
  return (received) => {
    const after = Number(received.query['after'] ?? '0')
    if (!Number.isInteger(after) || after < 0) return { status: 400, body: { code: 'AFTER_INVALID' } }
    const untilMs = deps.runtime.clock.monoNow() - deps.disturber.readLagMs()
    const page = deps.notices.page(after, limitOf(received), untilMs)
    return { status: 200, body: { items: page.items, next: String(page.cursor), more: page.more } }
  }
}
