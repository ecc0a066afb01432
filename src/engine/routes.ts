import type { DomainEvent } from '../model/envelope.ts'
import type { Process } from '../process/process.ts'
import { partitionOf } from './derive.ts'

export interface Route {
  readonly process: string
  readonly key: string
  readonly partition: number
}

/** Which instances must see an event. The table is built once; an event type nobody subscribes to has no routes. */
export function createRoutes(processes: Iterable<Process>, partitions: number): (event: DomainEvent) => readonly Route[] {
  const byType = new Map<string, Process[]>()
  for (const process of processes) {
    for (const type of process.subscribes) byType.set(type, [...(byType.get(type) ?? []), process])
  }
  return (event) => {
    const routes: Route[] = []
    for (const process of byType.get(event.type) ?? []) {
      for (const key of process.keysOf(event)) {
        routes.push({ process: process.name, key, partition: partitionOf(process.partitionKeyOf(key), partitions) })
      }
    }
    return routes
  }
}
