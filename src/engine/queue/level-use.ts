import { type Priority, priorities } from '../../model/priorities.ts'

/** A priority is asked about by itself until so long after a message of it was seen last, ms. */
const usedMs = 600_000
/** Shortest and longest time between two looks at a priority that was found empty, ms. */
const leastMs = 100
const mostMs = 1000

/** Whose turn it is while all have messages: of 16, high ones 12, normal ones 3, low ones 1. */
const sequence: readonly Priority[] = [
  ...(['high', 'high', 'high', 'high', 'normal'] as const),
  ...(['high', 'high', 'high', 'high', 'normal'] as const),
  ...(['high', 'high', 'high', 'high', 'normal', 'low'] as const),
]

interface Use {
  /** When a message of it was seen last. */
  seenAt: number
  /** The last query of it left something. */
  isMore: boolean
  /** When it was asked last, and when that gave something. */
  askedAt: number
  foundAt: number
}

/**
 * What a process knows of the priorities of one partition, and whose turn it is. Only speed is lost when it is forgotten.
 * All times are of the monotonic clock.
 */
export class LevelUse {
  readonly #uses = new Map<Priority, Use>()
  #turn = 0
  /** When the end of the partition was read last. */
  endSeenAt = Number.NEGATIVE_INFINITY

  /** A message with a priority was seen, or pushed. */
  note(priority: Priority, monotonic: number): void {
    const use = this.#uses.get(priority)
    if (use) Object.assign(use, { seenAt: monotonic, isMore: true })
    else if (priority !== 'normal' || this.#uses.size > 0) this.#begin(priority, monotonic)
  }

  #begin(priority: Priority, monotonic: number): void {
    const fresh = () => ({
      seenAt: monotonic,
      isMore: true,
      askedAt: Number.NEGATIVE_INFINITY,
      foundAt: monotonic,
    })
    this.#uses.set(priority, fresh())
    if (!this.#uses.has('normal')) this.#uses.set('normal', fresh())
  }

  isKnown(priority: Priority): boolean {
    return this.#uses.has(priority)
  }

  /** The priorities that messages have lately, in order; empty where there are none but normal ones. */
  get known(): Priority[] {
    return priorities.filter((one) => this.#uses.has(one))
  }

  /** Forgets the priorities that no message had for long. `isHeld`: this process knows of a message of it. */
  retire(monotonic: number, isHeld: (priority: Priority) => boolean): void {
    for (const [priority, { seenAt }] of this.#uses)
      if (priority !== 'normal' && monotonic - seenAt > usedMs && !isHeld(priority))
        this.#uses.delete(priority)
    if (this.#uses.size === 1) this.#uses.clear()
  }

  /** Of so many messages, how many each priority gives first. */
  shares(wanted: number): Map<Priority, number> {
    const shares = new Map<Priority, number>()
    const rounds = Math.floor(wanted / sequence.length)
    if (rounds > 0) for (const one of sequence) shares.set(one, (shares.get(one) ?? 0) + rounds)
    for (let i = 0; i < wanted % sequence.length; i++) {
      const one = sequence[(this.#turn + i) % sequence.length]!
      shares.set(one, (shares.get(one) ?? 0) + 1)
    }
    return shares
  }

  /** So many messages were given out. */
  advance(count: number): void {
    this.#turn = (this.#turn + count) % sequence.length
  }

  /** Whether a query of this priority may find something that is not known to be absent. */
  isWorthAsking(priority: Priority, monotonic: number): boolean {
    const use = this.#uses.get(priority)
    if (!use) return false
    const spacing = Math.max(leastMs, Math.min(mostMs, (monotonic - use.foundAt) / 2))
    return use.isMore || monotonic - use.askedAt >= spacing
  }

  /** A query that began then found `count` messages, perhaps not all. */
  asked(priority: Priority, begun: number, count: number, isMore: boolean): void {
    const use = this.#uses.get(priority)
    if (!use) return
    use.askedAt = begun
    use.isMore = isMore
    if (count > 0) use.seenAt = use.foundAt = begun
  }
}
