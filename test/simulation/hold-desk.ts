import type { Notice, Notices } from '../../src/plant/notices.ts'
import type { World } from '../../src/runtime/world.ts'
import type { DeskNotice } from './desk.ts'

export interface DeskHold {
  readonly hold: string
  readonly lot: string
  readonly placedAtMs: number
  liftedAtMs: number | null
}

/** The quality desk: who says there that a lot is held, and that it no longer is. */
export interface HoldDesk {
  /** With the virtual times at which the desk sent them. */
  readonly holds: readonly DeskHold[]
  readonly notices: readonly Notice[]
  /** `lot` as the ERP names it. */
  place(lot: string): DeskHold
  lift(hold: DeskHold): void
}

export function createHoldDesk(world: World, desk: Notices): HoldDesk {
  const holds: DeskHold[] = []
  const notices: Notice[] = []
  const say = (notice: Notice): void => {
    notices.push(notice)
    desk.send(notice)
  }
  return {
    holds,
    notices,
    place: (lot) => {
      const hold: DeskHold = { hold: `desk-hold-${holds.length + 1}`, lot, placedAtMs: world.now(), liftedAtMs: null }
      holds.push(hold)
      const request = { type: 'customer', scope: { kind: 'whole' }, foreign: false, reason: 'customer complaint' } as const
      const placed = { ...subjectOf(hold), ...request, placedBy: 'Q. Engineer', placedIn: 'desk-1' }
      say(noticeOf(world, { id: `${hold.hold}-placed`, type: 'holdpoint.hold.requested.v1', data: placed }))
      return hold
    },
    lift: (hold) => {
      hold.liftedAtMs = world.now()
      const lifted = { ...subjectOf(hold), scope: { kind: 'whole' }, liftedBy: 'Q. Engineer', evidence: `approval-${hold.hold}` } as const
      say(noticeOf(world, { id: `${hold.hold}-lifted`, type: 'holdpoint.hold.lifted.v1', data: lifted }))
    },
  }
}

function subjectOf({ hold, lot }: DeskHold): { readonly hold: string; readonly lot: string; readonly erp: string } {
  return { hold, lot: `erp-1:${lot}`, erp: 'erp-1' }
}

function noticeOf(world: World, notice: Pick<DeskNotice, 'id' | 'type' | 'data'>): Notice {
  return {
    specversion: '1.0',
    id: notice.id,
    source: 'desk-1',
    type: notice.type,
    subject: notice.data.lot,
    time: new Date(world.now()).toISOString(),
    datacontenttype: 'application/json',
    data: notice.data,
  }
}
