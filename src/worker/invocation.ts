import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { onPush } from '../model/wake.ts'
import type { QueueWorkerEvent } from './events.ts'
import { tell } from './events.ts'
import type { QueueLambdaSettings, ServedQueue } from './lambda-queues.ts'
import { QueueDrain } from './queue-drain.ts'
import { sharedController } from './signals.ts'
import { Slots } from './slots.ts'
import { WorkerStopped } from './stopping.ts'

/** What an invocation has done, and seen. */
export interface Drained {
  /** Messages acknowledged. */
  handled: number
  /** Nothing could be taken any more. */
  empty: boolean
  /**
   * When the first of what is known becomes available, in any of its queues, epoch ms. Absent where nothing is known, and
   * where something was left that may be available now.
   */
  nextDue?: number
}

/** One invocation of a `queueLambda`: drains queues until they are empty, a pull fails, or the time is up. */
export class Invocation {
  readonly #db: AtomicDbInterface
  readonly #timeMs: number
  readonly #reserveMs: number
  readonly #slots: Slots
  readonly #giveUp = sharedController()
  readonly #pulling = sharedController()
  readonly #leave = sharedController()
  #handled = 0

  constructor(
    db: AtomicDbInterface,
    settings: Pick<QueueLambdaSettings, 'concurrency' | 'reserveMs'>,
    remainingMs: number,
  ) {
    this.#db = db
    this.#slots = new Slots(settings.concurrency ?? 10)
    this.#reserveMs = settings.reserveMs ?? Math.min(5000, remainingMs / 4)
    this.#timeMs = remainingMs - this.#reserveMs
    if (!(this.#timeMs > 0))
      throw new InvalidInput('reserveMs', 'leaves no time to handle anything: give the function more time', {
        given: `${this.#reserveMs} of ${Math.floor(remainingMs)} ms`,
      })
  }

  async run(queues: readonly ServedQueue[]): Promise<Drained> {
    const done = new AbortController()
    const alarm = this.#endInTime(done.signal)
    const drains = queues.map((queue) => this.#drainOf(queue))
    let empty = false
    try {
      empty = await this.#drain(drains)
    } finally {
      // What is in hand is finished, or given back when the time is up.
      await this.#untilOver(drains)
      done.abort()
      await alarm
    }
    const nextDue = empty ? this.#nextDueOf(drains) : undefined
    return { handled: this.#handled, empty, ...(nextDue !== undefined && { nextDue }) }
  }

  #nextDueOf(drains: readonly QueueDrain[]): number | undefined {
    const now = this.#db.runtime.now()
    const known = drains.flatMap((drain) => drain.dues).filter((due) => due > now)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  #drainOf({ handler, options }: ServedQueue): QueueDrain {
    const onEvent = (event: QueueWorkerEvent) => {
      if (event.type === 'done') this.#handled++
      tell(options, event)
    }
    const signals = { giveUp: this.#giveUp.signal, pulling: this.#pulling.signal, leave: this.#leave.signal }
    return new QueueDrain(this.#db, handler, { ...options, onEvent }, this.#slots, signals)
  }

  async #endInTime(done: AbortSignal): Promise<void> {
    const { runtime } = this.#db
    try {
      await runtime.sleep(this.#timeMs, { signal: done })
      this.#giveUp.abort(new WorkerStopped('the time of this invocation is up'))
      // A pull under way may still end, so that what it claims can be given back.
      await runtime.sleep(0.3 * this.#reserveMs, { signal: done })
      this.#pulling.abort(new WorkerStopped('the time of this invocation is up'))
      await runtime.sleep(0.6 * this.#reserveMs, { signal: done })
      this.#leave.abort(new WorkerStopped('this invocation has left'))
    } catch {}
  }

  /** Whether all were empty. Those that a handler pushes to meanwhile are drained once more. */
  async #drain(drains: readonly QueueDrain[]): Promise<boolean> {
    const { runtime } = this.#db
    const stops = drains.map((drain) => onPush(runtime, drain.name, () => drain.pushed()))
    let empty = true
    try {
      for (let round = drains; round.length > 0; round = drains.filter((drain) => drain.isBehind)) {
        const ends = await Promise.allSettled(round.map((drain) => drain.run()))
        for (const end of ends) if (end.status === 'rejected') throw end.reason
        empty = ends.every((end) => end.status === 'fulfilled' && end.value)
        if (!empty) return false
      }
      return empty
    } finally {
      for (const stop of stops) stop()
    }
  }

  /** Waits until nothing is in hand any more, or it must leave before. */
  async #untilOver(drains: readonly QueueDrain[]): Promise<void> {
    await Promise.all(drains.map((drain) => drain.over()))
  }
}
