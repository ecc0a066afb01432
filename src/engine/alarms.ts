import type { Runtime } from '../runtime.ts'
import type { HubClock } from './deps.ts'

/** Wake-ups by key, never before their hub time; of several for one key the earliest stands, unless it is set again by `reset`. */
export class Alarms {
  readonly #runtime: Runtime
  readonly #clock: HubClock
  readonly #armed = new Map<string, { readonly at: number; readonly cancel: () => void }>()

  constructor(runtime: Runtime, clock: HubClock) {
    this.#runtime = runtime
    this.#clock = clock
  }

  /** `at`: RFC 3339. An earlier alarm of the same key stays and this one is dropped: who is woken looks again. */
  arm(key: string, at: string, fire: () => void): void {
    const known = this.#armed.get(key)
    if (known !== undefined && known.at <= Date.parse(at)) return
    this.reset(key, at, fire)
  }

  /** Like `arm`, but in place of what stood. */
  reset(key: string, at: string, fire: () => void): void {
    this.#armed.get(key)?.cancel()
    const due = Date.parse(at)
    const cancel = this.#runtime.clock.setTimer(Math.max(0, due - this.#clock.ms()), () => {
      // Hub time may have been corrected backwards since the timer was set.
      if (this.#clock.ms() < due) return this.reset(key, at, fire)
      this.#armed.delete(key)
      fire()
    })
    this.#armed.set(key, { at: due, cancel })
  }

  clear(key: string): void {
    this.#armed.get(key)?.cancel()
    this.#armed.delete(key)
  }

  close(): void {
    for (const { cancel } of this.#armed.values()) cancel()
    this.#armed.clear()
  }
}
