import { type Moment, momentOf } from '../coordination/lease.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { Bell } from './bell.ts'
import { ConsumerLimits } from './consumer-limits.ts'
import { type QueueWorkerEvent, tell } from './events.ts'
import { handleMessage, type QueueHandler } from './handling.ts'
import { type QueueHandling, queueNameOf, visibilityOf } from './options.ts'
import { pullMessages } from './pull-messages.ts'
import { orAborted } from './signals.ts'
import type { Slots } from './slots.ts'
import type { Ending } from './stopping.ts'
import { atOnce } from './turn.ts'
import { leaseOfPulled } from './visibility.ts'

/** It waits for so long before it leaves the rest to a later invocation, ms. */
const roomMs = 1000

/** The stages in which the time of an invocation ends: no new message; no pull; no request at all. */
export interface Stages {
  giveUp: AbortSignal
  pulling: AbortSignal
  leave: AbortSignal
}

/** One queue in one invocation: pulls and hands out until it is empty. */
export class QueueDrain {
  readonly #db: AtomicDbInterface
  readonly #handler: QueueHandler<unknown>
  readonly #options: QueueHandling
  readonly #slots: Slots
  readonly #stages: Stages
  readonly #limits: ConsumerLimits
  readonly #ended = new Bell()
  #running = 0
  #isBehind = false
  /** What the last pull said, and the first of what was given back here since it began. */
  #nextDue: number | undefined
  #givenBack: number | undefined

  constructor(
    db: AtomicDbInterface,
    handler: QueueHandler<unknown>,
    options: QueueHandling,
    slots: Slots,
    stages: Stages,
  ) {
    this.#db = db
    this.#handler = handler
    this.#options = { ...options, onEvent: (event) => this.#hear(event, options) }
    this.#slots = slots
    this.#stages = stages
    this.#limits = new ConsumerLimits(db, options, () => this.#ended.ring())
  }

  get name(): string {
    return queueNameOf(this.#options)
  }

  /** Something was pushed since the last pull began. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /** When messages are known to become available, epoch ms. */
  get dues(): number[] {
    return [this.#nextDue, this.#givenBack].filter((due) => due !== undefined)
  }

  /** This process has pushed to the queue. */
  pushed(): void {
    this.#isBehind = true
  }

  #hear(event: QueueWorkerEvent, options: QueueHandling): void {
    if (event.type === 'retry' || event.type === 'snoozed')
      this.#givenBack = Math.min(this.#givenBack ?? event.nextTryAt, event.nextTryAt)
    tell(options, event)
  }

  /** Whether the queue was empty; false when the time was up before. */
  async run(): Promise<boolean> {
    const leave = this.#slots.join()
    try {
      return await this.#drain()
    } finally {
      leave()
    }
  }

  async #drain(): Promise<boolean> {
    const { giveUp } = this.#stages
    while (!giveUp.aborted) {
      const room = await this.#slots.take(giveUp)
      if (room === 0) return false
      const ended = this.#ended.count
      const allowed = await this.#allowed(room)
      if (allowed === 0) {
        // What is at work may give back what is needed; others may take longer than this invocation has.
        if (this.#running === 0) return false
        await this.#ended.after(ended, giveUp)
        continue
      }
      const count = await this.#pullInto(allowed)
      if (giveUp.aborted) return false
      if (count > 0) continue
      if (this.#running === 0) return true
      // What is being handled may push more, or come back.
      await this.#ended.after(ended, giveUp)
    }
    return false
  }

  /** How much of the room the limits of the queue let it use; the rest is given back. */
  async #allowed(room: number): Promise<number> {
    const allowed = await this.#limits.room(room, this.#stages.giveUp, roomMs)
    this.#slots.give(room - allowed)
    return allowed
  }

  /** Pulls and begins to handle; gives back the room that is not needed. */
  async #pullInto(room: number): Promise<number> {
    this.#isBehind = false
    const begun = momentOf(this.#db.runtime)
    let items: AtomicDbQueueItem[] = []
    try {
      items = await this.#pull(room)
    } finally {
      this.#slots.give(room - items.length)
    }
    for (const item of items) this.#take(item, begun)
    return items.length
  }

  async #pull(limit: number): Promise<AtomicDbQueueItem[]> {
    const { pulling } = this.#stages
    try {
      // What is given back from now on may not be in the answer.
      this.#givenBack = undefined
      const { items, nextDue } = await pullMessages(
        this.#db,
        this.#limits.forPull(this.#options),
        limit,
        pulling,
      )
      this.#nextDue = nextDue
      if (items.length < limit) this.#limits.foundFewer()
      return items
    } catch (error) {
      if (pulling.aborted) return []
      tell(this.#options, { type: 'error', error })
      throw error
    }
  }

  #take(item: AtomicDbQueueItem, begun: Moment): void {
    const lease = leaseOfPulled(this.#db.runtime, item, visibilityOf(this.#options), begun)
    const { giveUp, leave } = this.#stages
    const ending: Ending = { closing: giveUp, givingUp: giveUp, leaving: leave }
    this.#running++
    const turn = this.#limits.turn(item, atOnce)
    void handleMessage(this.#db, item, lease, this.#handler, this.#options, ending, turn).then(() => {
      this.#running--
      this.#slots.give(1)
      this.#ended.ring()
    })
  }

  /** Waits until nothing of it is in hand, or nothing is waited for any more. */
  async over(): Promise<void> {
    const { leave } = this.#stages
    for (let ended = this.#ended.count; this.#running > 0 && !leave.aborted; ended = this.#ended.count)
      await this.#ended.after(ended, leave)
    await orAborted(this.#limits.close(), leave).catch(() => {})
  }
}
