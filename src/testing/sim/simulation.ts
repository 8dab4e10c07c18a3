import { optionsCheck } from '../../model/options-check.ts'
import type { Runtime } from '../../runtime.ts'
import { Random } from '../random.ts'
import { Agenda } from './agenda.ts'

/** Options of `Simulation`. */
export interface SimulationOptions {
  /** Decides everything that happens. */
  seed: number | string
  /** What the clocks show at the start, epoch ms. Default 2026-01-01. */
  startAt?: number
}

const checkSimulationOptions = /* @__PURE__ */ optionsCheck<SimulationOptions>(() => [
  { seed: true, startAt: true },
])

/** Nothing is planned any more, and what was waited for has not happened. */
export class Deadlock extends Error {
  override readonly name = 'Deadlock'
}

// So many events in one turn of Node's event loop: it drains all promises between any two immediates.
const batch = 512

/**
 * A world with its own time. All waiting goes through `Runtime.sleep` (or a `SimulatedServer`); time jumps from one
 * event to the next, the promises of one event are drained before the next one, and the seed decides between
 * events of one moment. One seed gives one history.
 *
 * ```ts
 * const world = new Simulation({ seed: 1 })
 * const db = new AtomicMemoryDb({ runtime: world.process() })
 * await world.run(() => handler(db))
 * ```
 *
 * What waits on anything else (a timer, a socket) is outside of the simulation and makes it end in `Deadlock`.
 */
export class Simulation {
  readonly random: Random
  readonly startAt: number
  readonly #agenda = new Agenda()
  readonly #ties: Random
  #time = 0
  #events = 0

  constructor(options: SimulationOptions) {
    checkSimulationOptions(options)
    this.random = new Random(options.seed)
    this.#ties = this.random.fork()
    this.startAt = options.startAt ?? Date.UTC(2026, 0, 1)
  }

  /** Simulated milliseconds since the start. */
  get time(): number {
    return this.#time
  }

  /** How many events have happened. */
  get events(): number {
    return this.#events
  }

  /** Clock, timers and chance of one simulated process. */
  process(): SimulatedRuntime {
    return new SimulatedRuntime(this)
  }

  /** Plans something; what belongs to a process does not happen once it has crashed, and waits while it is frozen. */
  schedule(ms: number, run: () => void, owner?: SimulatedRuntime): void {
    const happen = owner
      ? () => {
          if (owner.crashed) return
          if (owner.frozenUntil > this.#time) this.schedule(owner.frozenUntil - this.#time, run, owner)
          else run()
        }
      : run
    this.#agenda.add({ at: this.#time + Math.max(0, ms), tie: this.#ties.next(), run: happen })
  }

  /** Runs `main` to its end in simulated time; what is still planned then stays planned. */
  async run<T>(main: () => Promise<T>): Promise<T> {
    let settled = false
    const result = main().finally(() => {
      settled = true
    })
    // Looked at below; a failure must not count as unhandled until then.
    result.catch(() => {})
    await this.#pump(() => settled)
    if (!settled)
      throw new Deadlock(
        `nothing is planned any more at ${this.#time.toFixed(0)} ms of simulated time, but the run has not ended: something waits for real time, or for a process that crashed`,
      )
    return result
  }

  #pump(ended: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false
      const end = (settle: () => void) => {
        over = true
        settle()
      }
      const step = () => {
        if (over) return
        if (ended()) return end(resolve)
        const next = this.#agenda.next()
        if (!next) return end(resolve)
        this.#time = next.at
        this.#events++
        try {
          next.run()
        } catch (error) {
          end(() => reject(error))
        }
      }
      const turn = () => {
        for (let i = 0; i < batch; i++) setImmediate(step)
        setImmediate(() => {
          if (!over) turn()
        })
      }
      setImmediate(turn)
    })
  }
}

/** Time and chance of a simulated process, which can crash, freeze, and have its clock stepped. */
export class SimulatedRuntime implements Runtime {
  readonly #world: Simulation
  readonly #random: Random
  readonly #startedAt: number
  #clockOffset = 0
  #crashed = false
  #frozenUntil = 0
  #suspendedMs = 0

  constructor(world: Simulation) {
    this.#world = world
    this.#random = world.random.fork()
    this.#startedAt = world.time
  }

  now(): number {
    return Math.floor(this.#world.startAt + this.#world.time + this.#clockOffset)
  }

  monotonic(): number {
    return this.#world.time - this.#startedAt - this.#suspendedMs
  }

  random(): number {
    return this.#random.next()
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      const due = this.monotonic() + ms
      const wake = () => {
        // Timers run by the monotonic clock, which a suspension stops.
        const rest = due - this.monotonic()
        if (this.#suspendedMs > 0 && rest > 0.001) return this.#world.schedule(rest, wake, this)
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      this.#world.schedule(ms, wake, this)
    })
  }

  get crashed(): boolean {
    return this.#crashed
  }

  /** Simulated time until which nothing happens in this process. */
  get frozenUntil(): number {
    return this.#frozenUntil
  }

  /** By how much the wall clock is wrong, ms. */
  get clockOffset(): number {
    return this.#clockOffset
  }

  /** Whatever the process waits for never comes; what it sent takes effect all the same. */
  crash(): void {
    this.#crashed = true
  }

  /** The process stands still, its clock goes on: a paused virtual machine, a frozen Lambda. */
  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#world.time + ms)
  }

  /** The machine is suspended: the process stands still and its monotonic clock with it; the wall clock goes on. */
  suspend(ms: number): void {
    const from = Math.max(this.#frozenUntil, this.#world.time)
    this.freeze(ms)
    this.#suspendedMs += Math.max(0, this.#frozenUntil - from)
  }

  /** Steps the wall clock; `monotonic` is not concerned. */
  stepClock(ms: number): void {
    this.#clockOffset += ms
  }
}
