import { assert } from '../../assert.ts'
import type { Connector } from '../connector.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { createRevisions } from '../kit/json/revisions.ts'
import { createClient } from './client.ts'
import { identify, mappingSettings, toModel } from './mapping.ts'
import { qmsSchema } from './schema.ts'
import { createSession } from './session.ts'
import { cancelInspections, createInspections, readInspections, type Target } from './sink.ts'
import { changedInspections, sweepInspections } from './source.ts'
import { INSPECTION, type QmsRestSettings, qmsRestSpec } from './spec.ts'

const LOGIN_TIMEOUT_MS = 30_000
const REVISIONS_MAX = 10_000
const CHANGES_PAGE_MAX = 200
const CHANGES_OVERLAP_MS = 60_000
/** Stamps are whole seconds, and two clocks differ a little. */
const STAMP_MARGIN_MS = 2_000

/** A connector to a QMS whose paths, fields, codes and units an installation names (`schema.ts` has the defaults). */
export function createQmsRestConnector(deps: JsonDeps, settings: QmsRestSettings): Connector {
  const spec = qmsRestSpec(settings)
  const schema = qmsSchema(settings.schema ?? {})
  const mapping = mappingSettings(settings.instance, schema)
  const { url, credentials } = settings
  const session = createSession(deps, { url, credentials, schema, timeoutMs: settings.loginTimeoutMs ?? LOGIN_TIMEOUT_MS })
  const client = createClient(deps, { url, schema, session })
  const targets = new Map<string, Target>(
    spec.resources.map((resource) => [resource.resource, { client, schema, mapping, resource, revisions: createRevisions(REVISIONS_MAX) }]),
  )
  const target = (name: string): Target => {
    const found = targets.get(name)
    assert(found !== undefined, `qms-rest has no resource ${name}`)
    return found
  }
  const lagMsMax = Math.max(...spec.resources.map(({ lagMs }) => lagMs))
  const overlapMs = Math.max(settings.changesOverlapMs ?? CHANGES_OVERLAP_MS, lagMsMax + STAMP_MARGIN_MS)
  const pageMax = settings.changesPageMax ?? CHANGES_PAGE_MAX
  return {
    spec,
    identify: (item) => identify(mapping, item),
    toModel: (item) => toModel(mapping, item),
    apply: async (items, call) => {
      const [first] = items
      if (first === undefined) return []
      const name = first.resource
      assert(
        items.every(({ resource }) => resource === name),
        'a batch is for one resource',
      )
      return name === INSPECTION ? createInspections(target(name), { items, call }) : cancelInspections(target(name), { items, call })
    },
    read: async (name, keys, call) => readInspections(deps, target(name), { keys, call }),
    sweep: async (name, cursor, call) => sweepInspections(deps, target(name), { cursor, call }),
    changes: async (cursor, call) => changedInspections(deps, target(INSPECTION), { cursor, call, overlapMs, pageMax }),
  }
}
