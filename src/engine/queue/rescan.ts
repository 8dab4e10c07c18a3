import { isBeyond } from './order.ts'

/** What rescans by the clock may read: RRU per second, and at most at once. */
const rate = 10
const burst = 10
/** A rescan of at most this size needs no spacing, bytes. */
const freeBytes = 32 * 4096

/** What may be read now, RRU, and when that was computed. */
export interface ReadBudget {
  units: number
  at: number
}

export const newReadBudget = (): ReadBudget => ({ units: burst, at: 0 })

/**
 * A second reading of what lies before the frontier of a queue, from its start: messages come back there when other
 * processes release them or let their deadlines pass. One that is urgent runs at once; the others stay within a budget
 * and can go on in a later pull. Times named `monotonic` are of the monotonic clock, the others are epoch ms.
 */
export class Rescan {
  /** The last key that it has passed; '' at the start, `undefined` while none is under way. */
  #place: string | undefined
  #isUrgent = false
  /** The earliest deadline of other processes that is known, and the earliest one that this rescan has seen. */
  #due = Number.POSITIVE_INFINITY
  #seen = Number.POSITIVE_INFINITY
  /** When the next one begins, and when the last one began. */
  #next = 0
  #last = Number.NEGATIVE_INFINITY
  /** What the one under way has read, and what the last whole one read. */
  #rows = 0
  #bytes = 0
  #lastRows = 0
  #lastBytes = 0
  readonly #budget: ReadBudget

  /** The budget is that of all rescans of a partition. */
  constructor(budget = newReadBudget()) {
    this.#budget = budget
  }

  /** How far the one under way has come; `undefined` when there is none. */
  get place(): string | undefined {
    return this.#place
  }

  /** How many rows the last whole one read. */
  get lastRows(): number {
    return this.#lastRows
  }

  /** The earliest deadline of other processes that is known, epoch ms. */
  get nextDeadline(): number {
    return Math.min(this.#due, this.#place === undefined ? Number.POSITIVE_INFINITY : this.#seen)
  }

  begin(monotonic: number, when: 'at once' | 'little by little'): void {
    this.#place = ''
    this.#isUrgent = when === 'at once'
    this.#last = monotonic
    this.#rows = 0
    this.#bytes = 0
    this.#seen = Number.POSITIVE_INFINITY
    if (this.#isUrgent) this.#due = Number.POSITIVE_INFINITY
  }

  /** Whether an urgent one may begin now. */
  mayBegin(monotonic: number): boolean {
    return (this.#place === undefined || !this.#isUrgent) && monotonic >= this.#last + this.#spacing()
  }

  /** Least time between two whole rescans that are urgent, ms: 100 RRU per second at most. */
  #spacing(): number {
    return this.#lastBytes <= freeBytes ? 0 : (this.#lastBytes / 4096) * 10
  }

  /** Begins one when it is time: at once for a deadline that has passed, else every second for what nobody told us. */
  beginWhenDue(monotonic: number, now: number): void {
    if (now >= this.#due && this.mayBegin(monotonic)) this.begin(monotonic, 'at once')
    else if (this.#place === undefined && monotonic >= this.#next) this.begin(monotonic, 'little by little')
  }

  /** How many rows it may read now. */
  affordableRows(monotonic: number): number {
    const budget = this.#budget
    budget.units = Math.min(burst, budget.units + ((monotonic - budget.at) / 1000) * rate)
    budget.at = monotonic
    if (this.#isUrgent) return Number.POSITIVE_INFINITY
    if (budget.units < 1) return 0
    const each = this.#rows > 0 ? this.#bytes / this.#rows : 1024
    return Math.max(1, Math.floor((budget.units * 4096) / each))
  }

  /** A row before the frontier was read. */
  spend(bytes: number): void {
    this.#rows++
    this.#bytes += bytes
    this.#budget.units -= bytes / 4096
  }

  /** The deadline of another process was seen. */
  noticeDeadline(due: number): void {
    this.expectDeadline(due)
    this.#seen = Math.min(this.#seen, due)
  }

  /** A message before the frontier can be given out at `due`. */
  expectDeadline(due: number): void {
    this.#due = Math.min(this.#due, due)
  }

  /** It has passed this key. It ends where it passes the frontier. */
  pass(sk: string, frontier: string | undefined, monotonic: number): void {
    if (this.#place === undefined) return
    if (isBeyond(sk, this.#place)) this.#place = sk
    if (isBeyond(sk, frontier)) this.end(monotonic)
  }

  end(monotonic: number): void {
    this.#place = undefined
    this.#lastRows = this.#rows
    this.#lastBytes = this.#bytes
    this.#due = this.#seen
    this.#next = monotonic + 1000
  }
}
