import { assert } from '../assert.ts'
import type { RandomStream } from './random-stream.ts'
import type { Life, Scheduler } from './scheduler.ts'
import { never } from './simulated-runtime.ts'
import type { PortShape } from './world.ts'

type Method = (...args: unknown[]) => unknown

const LATENCY_MS: readonly [number, number] = [0.1, 2]

/** See `World.bindPort`. */
export function bindPort<T extends object>(
  { scheduler, random }: { readonly scheduler: Scheduler; readonly random: RandomStream },
  life: Life,
  { port, shape }: { readonly port: T; readonly shape: PortShape },
): T {
  const [low, high] = shape.latencyMs ?? LATENCY_MS
  const push = (kind: string, run: () => void): void => {
    scheduler.push({ afterMs: random.between(low, high) / 2, life, kind, run })
  }
  const carried = new Map<string | symbol, Method>()
  const method = (name: string): Method => {
    const found: unknown = Reflect.get(port, name)
    assert(typeof found === 'function', `port ${shape.name} has no method ${name}`)
    return (...args) => (found as Method).apply(port, args)
  }
  for (const name of shape.async) {
    const call = method(name)
    carried.set(name, (...args) => {
      if (life.dead) return never()
      return new Promise((resolve, reject) => {
        push(`${shape.name}.${name}`, () => {
          const done = (settle: () => void): void => push(`${shape.name}.${name} answer`, settle)
          // Through a promise, so that a method that throws at once rejects like one that throws later.
          Promise.resolve()
            .then(() => call(...args))
            .then(
              (value) => done(() => resolve(value)),
              (error: unknown) => done(() => reject(error)),
            )
        })
      })
    })
  }
  for (const name of shape.subscribe ?? []) {
    const subscribe = method(name)
    carried.set(name, (listener) => {
      if (life.dead) return () => undefined
      const unsubscribe = subscribe((...args: unknown[]) => {
        push(`${shape.name}.${name}`, () => (listener as Method)(...args))
      }) as () => void
      life.cleanups.push(unsubscribe)
      return unsubscribe
    })
  }
  return new Proxy(port, {
    get: (target, key) => {
      const own = carried.get(key)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
