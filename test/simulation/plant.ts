import type { CountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import type { CountingQms } from '../../src/plant/counting-qms/counting-qms.ts'
import type { Notices } from '../../src/plant/notices.ts'

/** The counterparts of the hub in one seed. */
export interface Plant {
  readonly erp: CountingErp
  readonly qms: CountingQms
  readonly desk: Notices
}
