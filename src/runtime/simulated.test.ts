import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Runtime } from '../runtime.ts'
import type { FaultPlan } from './faults.ts'
import { createWorld } from './simulated.ts'
import type { World } from './world.ts'

const sha256 = (text: string): string => hash('sha256', text)

function worldOf(seed: number, plan: FaultPlan = {}): World {
  return createWorld({ seed, hash: sha256, plan, interleaveShare: 0 })
}

const TOOLS = { createWorld, hash: sha256 }

/** Two workers count at a server, with every kind of fault about. Uses nothing from outside, since a child process runs its text too. */
async function scenario(tools: typeof TOOLS, seed: number, plan?: FaultPlan): Promise<World> {
  const requests = { refuse: 0.03, loseRequest: 0.03, loseReply: 0.03, duplicate: 0.03, reset: 0.03, halfOpen: 0.03, slow: 0.03 }
  const random = { crash: 0.002, pause: 0.002, requests, slowMsMax: 5_000, pauseMsMax: 5_000, restartAfterMsMax: 500 }
  const world = tools.createWorld({ seed, hash: tools.hash, plan: plan ?? { random } })
  let effects = 0
  world.addNode('erp', async (runtime) => {
    await runtime.net.listen({ host: 'erp', port: 80, bodyBytesMax: 1_000 }, async (request) => {
      await runtime.clock.sleep(1 + runtime.random.next())
      effects += 1
      return { status: 200, headers: {}, body: request.body ?? new Uint8Array(effects) }
    })
  })
  for (const name of ['a', 'b']) {
    world.addNode(name, async (runtime) => {
      for (let i = 0; i < 40; i++) {
        await runtime.yieldPoint('intent-committed')
        const body = new TextEncoder().encode(runtime.ids.uuid() + runtime.clock.wallNow())
        const answer = await runtime.net.request({ method: 'POST', url: 'http://erp:80/', headers: {}, body, timeoutMs: 1_000 })
        await runtime.yieldPoint('reply-received')
        runtime.sometimes(answer.kind)
      }
    })
  }
  await world.runUntilQuiet()
  return world
}

describe('one seed, one history', () => {
  test('the same seed gives the same trace, another seed another', async () => {
    const [first, again, other] = [await scenario(TOOLS, 5), await scenario(TOOLS, 5), await scenario(TOOLS, 6)]
    expect(first.counters.requests).toBeGreaterThan(50)
    expect(first.faultsTaken.length).toBeGreaterThan(3)
    expect(again.traceHash()).toBe(first.traceHash())
    expect(again.counters).toEqual(first.counters)
    expect(other.traceHash()).not.toBe(first.traceHash())
  })

  test('a child process comes to the same trace', async () => {
    const here = await scenario(TOOLS, 11)
    const code = `import { hash } from 'node:crypto'
      import { createWorld } from ${JSON.stringify(new URL('simulated.ts', import.meta.url).href)}
      const scenario = ${scenario.toString()}
      const world = await scenario({ createWorld, hash: (text) => hash('sha256', text) }, 11)
      process.stdout.write(world.traceHash())`
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })).toBe(here.traceHash())
  })

  test('what went wrong, given as a plan, repeats the run', async () => {
    const drawn = await scenario(TOOLS, 21)
    expect(drawn.faultsTaken.length).toBeGreaterThan(3)
    const planned = await scenario(TOOLS, 21, { events: drawn.faultsTaken })
    expect(planned.traceHash()).toBe(drawn.traceHash())
    const fewer = await scenario(TOOLS, 21, { events: drawn.faultsTaken.slice(1) })
    expect(fewer.traceHash()).not.toBe(drawn.traceHash())
  })

  test('the trace is one JSON line per step, and listening does not change it', async () => {
    const lines: string[] = []
    const run = async (onTrace?: (line: string) => void): Promise<string> => {
      const world = createWorld({ seed: 1, hash: sha256, ...(onTrace === undefined ? {} : { onTrace }) })
      world.addNode('a', (runtime) => void runtime.clock.setTimer(5, () => runtime.sometimes('fired')))
      await world.runUntilQuiet()
      expect(world.situations.get('fired')).toBe(1)
      return world.traceHash()
    }
    expect(await run((line) => lines.push(line))).toBe(await run())
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { step: 1, t: 0, node: 'a', kind: 'boot' },
      { step: 2, t: 5, node: 'a', kind: 'timer' },
    ])
  })
})

describe('time', () => {
  test('sleeps, timers and clocks of a node', async () => {
    const world = worldOf(1)
    const seen: unknown[] = []
    world.addNode('a', async ({ clock }) => {
      const [wall, mono] = [clock.wallNow(), clock.monoNow()]
      const cancel = clock.setTimer(10, () => seen.push('never'))
      clock.setTimer(20, () => seen.push(clock.monoNow() - mono))
      await clock.sleep(5)
      cancel()
      world.skewClock('a', 3_600_000)
      await clock.sleep(40)
      seen.push(clock.wallNow() - wall, clock.monoNow() - mono)
      const stop = new AbortController()
      clock.setTimer(3, () => stop.abort(new Error('enough')))
      await clock.sleep(1_000, stop.signal).catch((error: Error) => seen.push(error.message, world.now()))
    })
    expect(await world.runUntilQuiet()).toBe(true)
    expect(seen).toEqual([20, 3_600_045, 45, 'enough', 48])
  })

  test('a loop over sleeps of nothing lets time pass', async () => {
    const world = worldOf(1)
    world.addNode('a', async ({ clock }) => {
      for (let i = 0; i < 5; i++) await clock.sleep(0)
    })
    await world.runUntilQuiet()
    expect(world.now()).toBe(5)
  })

  test('the run ends at the time, at the condition, or when nothing is left', async () => {
    const world = worldOf(1)
    let ticks = 0
    world.addNode('a', async ({ clock }) => {
      for (; ticks < 10; ticks++) await clock.sleep(10)
    })
    expect(await world.runUntil(25)).toBe(true)
    expect([world.now(), ticks]).toEqual([25, 2])
    expect(await world.runUntil(() => ticks === 5)).toBe(true)
    expect(await world.runUntil(() => ticks === 9, { untilMs: 60 })).toBe(false)
    expect(await world.runUntilQuiet({ untilMs: 80 })).toBe(false)
    expect(await world.runUntil(() => ticks === 99)).toBe(false)
    expect(await world.runUntilQuiet()).toBe(true)
    expect(ticks).toBe(10)
  })
})

describe('crash', () => {
  test('the dead life hears nothing and does nothing; the next one boots', async () => {
    const world = worldOf(1)
    const heard: string[] = []
    let lives = 0
    world.addNode('a', async (runtime) => {
      lives += 1
      const life = lives
      runtime.clock.setTimer(30, () => heard.push(`timer of ${life}`))
      await runtime.clock.sleep(20)
      heard.push(`slept in ${life}`)
    })
    const old = world.runtimeFor('a')
    world.schedule('a', 15, () => heard.push('scheduled for the first life'))
    world.schedule(null, 10, () => world.crash('a', 100))
    world.schedule(null, 50, () => {
      expect(world.isUp('a')).toBe(false)
      old.clock.setTimer(1, () => heard.push('timer of the dead'))
      void old.clock.sleep(1).then(() => heard.push('sleep of the dead'))
      void old.yieldPoint('before-send')?.then(() => heard.push('yield point of the dead'))
      old.sometimes('dead')
      void old.net
        .request({ method: 'GET', url: 'http://a:1/', headers: {}, body: null, timeoutMs: 5 })
        .then(() => heard.push('answer to the dead'))
    })
    expect(await world.runUntilQuiet()).toBe(true)
    expect(heard).toEqual(['slept in 2', 'timer of 2'])
    expect(world.now()).toBe(140)
    expect(world.counters.requests).toBe(0)
    expect(world.situations.size).toBe(0)
  })

  test('planned at a yield point: it strikes there, and nowhere else', async () => {
    const trip = async (plan: FaultPlan): Promise<{ steps: string; points: number }> => {
      const world = worldOf(3, plan)
      let steps = ''
      world.addNode('a', async (runtime) => {
        steps += '('
        await runtime.yieldPoint('intent-committed')
        steps += '1'
        await runtime.yieldPoint('before-send')
        steps += '2'
        await runtime.yieldPoint('reply-received')
        steps += ')'
      })
      await world.runUntilQuiet()
      return { steps, points: world.counters.yieldPoints }
    }
    expect(await trip({})).toEqual({ steps: '(12)', points: 3 })
    expect(await trip({ events: [{ kind: 'crash', point: 1, restartAfterMs: 10 }] })).toEqual({ steps: '((12)', points: 4 })
    expect(await trip({ events: [{ kind: 'crash', point: 3, restartAfterMs: 10 }] })).toEqual({ steps: '(12(12)', points: 6 })
    expect(await trip({ events: [{ kind: 'crash', point: 2, restartAfterMs: null }] })).toEqual({ steps: '(1', points: 2 })
  })

  test('each life has ids, randomness and a monotonic clock of its own', async () => {
    const lives: [string, number, number][] = []
    const world = worldOf(1)
    world.addNode('a', ({ ids, random, clock }) => void lives.push([ids.uuid(), random.next(), clock.monoNow() - world.now()]))
    world.schedule(null, 10, () => world.crash('a', 10))
    world.addNode('b', ({ ids, random, clock }) => void lives.push([ids.uuid(), random.next(), clock.monoNow() - world.now()]))
    await world.runUntilQuiet()
    expect(lives).toHaveLength(3)
    for (const column of [0, 1, 2]) expect(new Set(lives.map((life) => life[column])).size).toBe(3)
  })

  test('heal boots what is down and ends what was planned', async () => {
    const world = worldOf(1, { events: [{ kind: 'crashNode', atMs: 50, node: 'a', restartAfterMs: null }], random: { crash: 1 } })
    let lives = 0
    world.addNode('a', async (runtime) => {
      lives += 1
      await runtime.yieldPoint('before-send')
    })
    world.schedule(null, 1, () => world.crash('a', null))
    world.schedule(null, 20, () => world.heal())
    await world.runUntilQuiet()
    expect([lives, world.isUp('a')]).toEqual([2, true])
  })
})

describe('pause', () => {
  test('no step of the node runs meanwhile, and its clock goes on', async () => {
    const world = worldOf(1, { events: [{ kind: 'pause', point: 1, ms: 5_000 }] })
    const seen: [string, number][] = []
    world.addNode('a', async (runtime) => {
      runtime.clock.setTimer(10, () => seen.push(['timer', world.now()]))
      const before = runtime.clock.monoNow()
      await runtime.yieldPoint('before-send')
      seen.push(['woken', runtime.clock.monoNow() - before])
    })
    world.addNode('b', ({ clock }) => void clock.setTimer(10, () => seen.push(['other', world.now()])))
    await world.runUntilQuiet()
    expect(seen[0]).toEqual(['other', 10])
    expect(seen.slice(1).sort()).toEqual([
      ['timer', 5_000],
      ['woken', 5_000],
    ])
  })
})

describe('yield points', () => {
  test('are counted by label; a faultless one may let others go first', async () => {
    const world = createWorld({ seed: 4, hash: sha256, interleaveShare: 0.5 })
    let promises = 0
    world.addNode('a', async (runtime) => {
      for (let i = 0; i < 100; i++) {
        const turn = runtime.yieldPoint(i % 4 === 0 ? 'before-read' : 'before-send')
        if (turn !== undefined) promises += 1
        await turn
      }
    })
    await world.runUntilQuiet()
    expect(promises).toBeGreaterThan(25)
    expect(promises).toBeLessThan(75)
    expect(Object.fromEntries(world.counters.yieldPointsByLabel)).toEqual({ 'before-read': 25, 'before-send': 75 })
  })
})

describe('a port bound to a node', () => {
  const shape = { name: 'store', async: ['add', 'explode'], subscribe: ['onAdd'] }
  const createStore = () => {
    const listeners = new Set<(sum: number) => void>()
    let sum = 0
    return {
      name: 'books',
      sum: () => sum,
      add: async (amount: number) => {
        sum += amount
        for (const listener of listeners) listener(sum)
        return sum
      },
      explode: (): Promise<void> => {
        throw new Error('at once')
      },
      onAdd: (listener: (sum: number) => void) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      listeners,
    }
  }

  test('call and answer are steps; a crash falls before the effect or after it', async () => {
    let [before, after, answered] = [0, 0, 0]
    for (let seed = 0; seed < 200; seed++) {
      const world = worldOf(seed)
      const store = createStore()
      world.addNode('a', async () => {
        await world.bindPort('a', store, shape).add(1)
        answered += 1
      })
      world.schedule(null, 0.8, () => world.crash('a', null))
      await world.runUntilQuiet()
      if (store.sum() === 0) before += 1
      else after += 1
    }
    expect(Math.min(before, after - answered, answered)).toBeGreaterThan(10)
  })

  test('listeners run as steps of the node and end with it; errors arrive; other members pass through', async () => {
    const world = worldOf(1)
    const store = createStore()
    const heard: unknown[] = []
    world.addNode('a', async () => {
      const bound = world.bindPort('a', store, shape)
      bound.onAdd((sum) => heard.push(sum))
      await bound.explode().catch((error: Error) => heard.push(error.message))
      heard.push(bound.name, bound.sum())
    })
    world.schedule(null, 100, () => void store.add(5))
    world.schedule(null, 200, () => world.crash('a', null))
    world.schedule(null, 300, () => void store.add(5))
    await world.runUntilQuiet()
    expect(heard).toEqual(['at once', 'books', 0, 5])
    expect(store.listeners.size).toBe(0)
  })
})

describe('an escape fails the run', () => {
  const escapes: Record<string, (runtime: Runtime) => unknown> = {
    'Date.now': () => Date.now(),
    'new Date() without argument': () => new Date(),
    'Math.random': () => Math.random(),
    setTimeout: () => setTimeout(() => undefined, 1),
    setInterval: () => setInterval(() => undefined, 1),
    setImmediate: () => setImmediate(() => undefined),
    queueMicrotask: () => queueMicrotask(() => undefined),
    'performance.now': () => performance.now(),
    fetch: () => fetch('http://127.0.0.1:9/'),
    'crypto.randomUUID': () => crypto.randomUUID(),
    'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
    'AbortSignal.timeout': () => AbortSignal.timeout(1),
  }
  for (const [name, use] of Object.entries(escapes)) {
    test(`${name}, even when the error is caught, and after an await`, async () => {
      const world = worldOf(1)
      world.addNode('a', async (runtime) => {
        await runtime.clock.sleep(5)
        await Promise.resolve()
        try {
          use(runtime)
        } catch {
          runtime.sometimes('caught')
        }
      })
      await expect(world.runUntilQuiet()).rejects.toThrow(`${name} was used inside the simulation`)
      expect(world.situations.get('caught')).toBe(1)
    })
  }

  test('afterwards, and between two batches of steps, the globals are the real ones', async () => {
    const real = [Date, setTimeout, Math.random, fetch, performance.now, Object.getOwnPropertyNames(performance).includes('now')]
    const world = worldOf(1)
    world.addNode('a', async ({ clock }) => {
      for (let i = 0; i < 5_000; i++) await clock.sleep(1)
    })
    let looks = 0
    const timer = setInterval(() => {
      looks += 1
      Date.now()
    }, 1)
    await world.runUntilQuiet()
    clearInterval(timer)
    expect(looks).toBeGreaterThan(0)
    expect([Date, setTimeout, Math.random, fetch, performance.now, Object.getOwnPropertyNames(performance).includes('now')]).toEqual(real)
  })

  test('dates from a number or a text are allowed, and are dates', async () => {
    const world = worldOf(1)
    const dates: unknown[] = []
    world.addNode('a', () => {
      const date = new Date(0)
      dates.push(date.toISOString(), date instanceof Date, Date.parse('1970-01-02T00:00:00Z'), Date.UTC(1970, 0, 2))
    })
    await world.runUntilQuiet()
    expect(dates).toEqual(['1970-01-01T00:00:00.000Z', true, 86_400_000, 86_400_000])
  })
})

describe('a failure ends the run', () => {
  test('a step that throws, a boot that rejects, too many steps', async () => {
    const thrown = worldOf(1)
    thrown.schedule(null, 5, () => {
      throw new Error('in a step')
    })
    await expect(thrown.runUntilQuiet()).rejects.toThrow('in a step')
    await expect(thrown.runUntil(100)).rejects.toThrow('in a step') // and it stays failed

    const boot = worldOf(1)
    boot.addNode('a', async ({ clock }) => {
      await clock.sleep(1)
      throw new Error('in boot')
    })
    await expect(boot.runUntilQuiet()).rejects.toThrow('in boot')

    const endless = createWorld({ seed: 1, hash: sha256, stepsMax: 1_000 })
    endless.addNode('a', async ({ clock }) => {
      for (;;) await clock.sleep(0)
    })
    await expect(endless.runUntil(() => false)).rejects.toThrow('does not come to rest')
  })

  test('a rejection that nobody handles', () => {
    const code = `import { createWorld } from ${JSON.stringify(new URL('simulated.ts', import.meta.url).href)}
      const world = createWorld({ seed: 1, hash: String })
      world.addNode('a', ({ clock }) => { clock.setTimer(5, () => { Promise.reject(new Error('nobody cares')) }) })
      await world.runUntilQuiet().catch((error) => process.stdout.write(error.message))`
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })).toBe('nobody cares')
  })

  test('simulations run side by side, and one started by the step of another runs beside it', async () => {
    const tick = async (world: World): Promise<string> => {
      world.addNode('a', async ({ clock }) => {
        for (let i = 0; i < 1_000; i++) await clock.sleep(1)
      })
      await world.runUntilQuiet()
      return world.traceHash()
    }
    const alone = await tick(worldOf(1))
    expect(await Promise.all([tick(worldOf(1)), tick(worldOf(1))])).toEqual([alone, alone])

    const outer = worldOf(1)
    let inner: Promise<string> | null = null
    outer.schedule(null, 1, () => {
      inner = tick(worldOf(1))
    })
    expect(await tick(outer)).not.toBe(alone)
    expect(await inner).toBe(alone)
  })
})
