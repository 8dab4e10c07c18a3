import type { AtomicDbQueueOutlook } from '../interface.ts'
import type { Runtime } from '../runtime.ts'

/** What a pull gave, and what it was asked for. */
export interface Pulled extends AtomicDbQueueOutlook {
  found: number
  wanted: number
}

/** Until a worker looks again. */
export interface Wait {
  ms: number
  /** An eventually consistent look is enough: nothing says that there is work. */
  isIdle: boolean
}

/** An idle worker looks so often, ms: 0.5 RRU a look are at most 480 RRU an hour, and a message waits 2 s in the mean. */
const idleMost = 3860
const idleLeast = 3760
/** The first wait after an empty pull, ms; it doubles. */
const firstMs = 100
/** Shortest and longest wait after a pull that took all there was, ms. */
const steadyMs = [60, 400] as const
/** A wait of so long begins with an eventually consistent look, ms. */
const idleFromMs = 500

/**
 * How long a worker waits between two pulls. After one that gave all that it was asked for: not at all. After one that
 * gave less, a little, so that several messages share the next query; the longer, the more messages go to other
 * consumers first, since consumers that pull less often take more at once and meet less. After empty ones the wait
 * doubles. Never beyond the moment at which something that is known becomes available.
 */
export class Pacing {
  readonly #runtime: Runtime
  readonly #idleMs: readonly [number, number] | undefined
  #empty = 0
  #steady: number = steadyMs[0]

  constructor(runtime: Runtime, idleMs: readonly [number, number] | undefined) {
    this.#runtime = runtime
    this.#idleMs = idleMs
  }

  /** Pulls without a message since the last one. */
  get emptyPulls(): number {
    return this.#empty
  }

  /** There is a reason to look at once, and often again. */
  woken(): void {
    this.#empty = 0
  }

  after({ found, wanted, missed = 0, nextDue, paused }: Pulled): Wait {
    this.#adapt(found, missed)
    this.#empty = found > 0 ? 0 : this.#empty + 1
    if (found >= wanted) return { ms: 0, isIdle: false }
    const ms = paused ? this.#longest() : found > 0 ? this.#afterSome() : this.#afterNone()
    const left = nextDue === undefined ? ms : Math.max(1, nextDue - this.#runtime.now() + 1)
    return { ms: Math.min(ms, left), isIdle: paused === true || (found === 0 && ms >= idleFromMs) }
  }

  #adapt(found: number, missed: number): void {
    const [least, most] = steadyMs
    if (missed > 0) this.#steady = Math.min(most, this.#steady * 2)
    else if (found > 0) this.#steady = Math.max(least, this.#steady * 0.85)
  }

  #afterSome(): number {
    const [least, most] = this.#idleMs ?? steadyMs
    const ms = Math.min(most, Math.max(this.#steady, Math.min(least, steadyMs[0])))
    // Where nobody else is met, and the waits are the user's, the first one is none.
    return this.#idleMs && this.#steady <= steadyMs[0] ? 0 : ms * (0.75 + this.#runtime.random() / 2)
  }

  #afterNone(): number {
    const [least, most] = this.#idleMs ?? [Math.max(firstMs, this.#steady), idleMost]
    const bound = least * 2 ** Math.min(this.#empty - 1, 30)
    return bound < most ? bound * (0.5 + this.#runtime.random() / 2) : this.#longest()
  }

  #longest(): number {
    const chance = this.#runtime.random()
    if (this.#idleMs) return this.#idleMs[1] * (0.5 + chance / 2)
    return idleLeast + chance * (idleMost - idleLeast)
  }
}
