import { assert } from '../../assert.ts'
import type { Connector } from '../connector.ts'
import { changesPage } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { createRevisions } from '../kit/json/revisions.ts'
import { identify, mappingSettings, toModel } from './mapping.ts'
import { cancelInspections, createInspections, readInspections, type Target } from './sink.ts'
import { sweepInspections } from './source.ts'
import { type CountingQmsSettings, countingQmsSpec, INSPECTION } from './spec.ts'

const REVISIONS_MAX = 10_000

export function createCountingQmsConnector(deps: JsonDeps, settings: CountingQmsSettings): Connector {
  const spec = countingQmsSpec(settings)
  const mapping = mappingSettings(settings.instance, settings.units ?? {})
  const place = { url: settings.url, token: settings.token ?? null }
  const targets = new Map<string, Target>(
    spec.resources.map((resource) => [
      resource.resource,
      { mapping, endpoint: { ...place, resource, revisions: createRevisions(REVISIONS_MAX) } },
    ]),
  )
  const target = (name: string): Target => {
    const found = targets.get(name)
    assert(found !== undefined, `counting-qms has no resource ${name}`)
    return found
  }
  return {
    spec,
    identify,
    toModel: (item) => toModel(mapping, item),
    apply: async (items, call) => {
      const [first] = items
      if (first === undefined) return []
      const name = first.resource
      assert(
        items.every(({ resource }) => resource === name),
        'a batch is for one resource',
      )
      return name === INSPECTION
        ? createInspections(deps, target(name), { items, call })
        : cancelInspections(deps, target(name), { items, call })
    },
    read: async (name, subjects, call) => readInspections(deps, target(name), { subjects, call }),
    sweep: async (name, cursor, call) => sweepInspections(deps, target(name), { cursor, call }),
    changes: async (cursor, call) => changesPage(deps, place, { cursor, call }),
  }
}
