import type { Administered } from '../admin.ts'
import type { Drift } from '../odata/edm.ts'
import type { S4Hana } from './s4hana.ts'

/** What the admin door shows and moves of the simulated ERP. */
export function operate(erp: S4Hana): Administered {
  const { books } = erp
  return {
    disturber: erp.disturber,
    notices: erp.notices,
    start: erp.start,
    stop: erp.stop,
    running: erp.running,
    people: { ...erp.people },
    truth: {
      documents: ({ reference }) => (reference === undefined ? books.documents() : books.documentsOf(reference)),
      stock: ({ material, batch }) => books.stock(material, batch),
      usable: ({ material, batch }) => books.usable(material ?? '', batch),
      usableSpans: ({ material, batch }) => books.usableSpans(material ?? '', batch ?? ''),
      batch: ({ material, batch }) => books.batch(material ?? '', batch ?? ''),
      orders: () => books.orders(),
      notices: () => books.notices(),
      calls: () => books.calls(),
      asked: () => books.asked(),
      counts: () => ({ ...books.counts(), calls: Object.fromEntries(books.counts().calls), unsettled: books.unsettled() }),
      violations: () => books.violations(),
    },
    switches: {
      drift: (drift: Partial<Drift>) => erp.setDrift(drift),
      users: (users: Readonly<Record<string, string>>) => erp.setUsers(users),
      expireSessions: () => erp.expireSessions(),
      refuseAll: ({ ms }: { readonly ms: number }) => erp.refuseAll(ms),
    },
  }
}
