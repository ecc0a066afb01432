import { assert } from '../../assert.ts'
import type { Connector } from '../connector.ts'
import { changesPage } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { createRevisions } from '../kit/json/revisions.ts'
import { identify, mappingSettings, toModel } from './mapping.ts'
import { applyMovements, readLots, type Target } from './sink.ts'
import { sweepLots } from './source.ts'
import { type CountingErpSettings, countingErpSpec, INVENTORY } from './spec.ts'

const REVISIONS_MAX = 10_000

export function createCountingErpConnector(deps: JsonDeps, settings: CountingErpSettings): Connector {
  const spec = countingErpSpec(settings)
  const [resource] = spec.resources
  assert(resource?.resource === INVENTORY, 'counting-erp has one resource')
  const mapping = mappingSettings(settings.instance, settings.units ?? {})
  const place = { url: settings.url, token: settings.token ?? null }
  const target: Target = { mapping, endpoint: { ...place, resource, revisions: createRevisions(REVISIONS_MAX) } }
  const known = (name: string): void => assert(name === INVENTORY, `counting-erp has no resource ${name}`)
  return {
    spec,
    identify,
    toModel: (item) => toModel(mapping, item),
    apply: async (items, call) => {
      for (const item of items) known(item.resource)
      return applyMovements(deps, target, { items, call })
    },
    read: async (name, subjects, call) => {
      known(name)
      return readLots(deps, target, { subjects, call })
    },
    sweep: async (name, cursor, call) => {
      known(name)
      return sweepLots(deps, target, { cursor, call })
    },
    changes: async (cursor, call) => changesPage(deps, place, { cursor, call }),
  }
}
