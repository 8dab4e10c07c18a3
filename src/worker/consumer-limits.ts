import { RateLimiter, Semaphore } from '../coordination/index.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { queueLimitKey } from '../model/key-names.ts'
import { tell } from './events.ts'
import { FullGroups } from './full-groups.ts'
import { type QueueHandling, queueNameOf, visibilityOf } from './options.ts'
import { type Permit, Permits } from './permits.ts'
import { RateGate } from './rate-gate.ts'
import type { Turn } from './turn.ts'

/** How many messages a consumer may claim and begin, as the limits of its queue allow. */
export class ConsumerLimits {
  readonly #permits: Permits | undefined
  readonly #groups: FullGroups | undefined
  readonly #rate: RateGate | undefined
  readonly #wake: () => void
  readonly #runs = new Set<Promise<unknown>>()

  /** `wake`: something can be claimed now that could not before. */
  constructor(db: AtomicDbInterface, options: QueueHandling, wake: () => void) {
    const { concurrency, groupConcurrency, rate } = options.limits ?? {}
    const ttlMs = visibilityOf(options) * 1000
    const onError = (error: unknown) => tell(options, { type: 'error', error })
    const permitsAt = (name: string, permits: number) =>
      new Permits(
        db.runtime,
        new Semaphore(db, queueLimitKey(queueNameOf(options), name), { permits, ttlMs }),
        onError,
        this.#runs,
      )
    if (concurrency !== undefined) this.#permits = permitsAt('concurrency', concurrency)
    if (groupConcurrency !== undefined)
      this.#groups = new FullGroups(db.runtime, (group) => permitsAt(`group#${group}`, groupConcurrency))
    if (rate !== undefined)
      this.#rate = new RateGate(
        db.runtime,
        new RateLimiter(db, queueLimitKey(queueNameOf(options), 'rate'), rate),
        onError,
      )
    this.#wake = wake
  }

  /** How many may be claimed at the moment, of so many. Waits while nothing may begin, at most `longestMs`. */
  async room(wanted: number, signal: AbortSignal, longestMs: number): Promise<number> {
    if (this.#rate && !(await this.#rate.open(signal, longestMs))) return 0
    return this.#permits ? this.#permits.room(wanted) : wanted
  }

  /** What a pull needs to know: it passes over groups of which nothing may begin. */
  forPull(options: QueueHandling): QueueHandling & { exceptGroups?: readonly string[] } {
    const full = this.#groups?.names ?? []
    return full.length === 0 ? options : { ...options, exceptGroups: full }
  }

  /** A pull found fewer messages than there was room for. */
  foundFewer(): void {
    this.#permits?.giveBackFree()
  }

  /** Holds what a message needs while it is handled; rejects where it must be given back. */
  turn(item: AtomicDbQueueItem, before: Turn): Turn {
    if (!this.#permits && !this.#groups && !this.#rate) return before
    return async (signal, abort) => {
      const ends: (() => void)[] = [await before(signal, abort)]
      const end = () => {
        for (const one of ends.splice(0).reverse()) one()
      }
      const hold = (permit: Permit, giveBack: () => void) => {
        const unfollow = permit.onLost(abort)
        ends.push(() => {
          unfollow()
          const wasInTheWay = this.#isInTheWay
          giveBack()
          if (wasInTheWay) this.#wake()
        })
      }
      try {
        const permits = this.#permits
        if (permits) {
          const permit = await permits.take()
          hold(permit, () => permits.put(permit))
        }
        if (this.#groups && item.group !== undefined) {
          const permit = await this.#groups.take(item.group)
          hold(permit, () => this.#groups!.give(item.group!, permit))
        }
        await this.#rate?.pass(signal)
        return end
      } catch (error) {
        end()
        throw error
      }
    }
  }

  /** Whether something could not be claimed that can be once a permit is given back. */
  get #isInTheWay(): boolean {
    return this.#permits?.isFull === true || (this.#groups?.names.length ?? 0) > 0
  }

  /** Nothing is claimed any more. Resolves when all permits are given back. Never rejects. */
  async close(): Promise<void> {
    this.#permits?.close()
    await Promise.allSettled(this.#runs)
  }
}
