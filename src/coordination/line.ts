import { anyOf, type Condition } from '../conditions.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, CallOptions } from '../interface.ts'
import type { Path } from '../paths.ts'
import { certainUpdate, uniqueId } from './common.ts'

/** A row with a waiting line: tickets in the order in which they were drawn. */
export interface WithLine {
  line?: string[]
}

const first: Path = ['line', 0]

/**
 * First come, first served, on one row. A ticket needs no refresh: whoever stands first and does not come, though the
 * way is free, for `ticketMs` by the observer's own clock, is taken out by the one behind. No two clocks are compared.
 */
export class Line {
  readonly #db: AtomicDbInterface
  readonly #key: AtomicDbItemKey
  readonly #ticketMs: number
  #ticket: string | undefined
  // Who stands first though the way is free, and since when.
  #first: { ticket: string; since: number } | undefined

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, ticketMs: number) {
    this.#db = db
    this.#key = key
    this.#ticketMs = ticketMs
  }

  /** Nobody waits, or we are first. */
  get turn(): Condition {
    const empty = anyOf([['line', { exists: false }]], { line: { size: 0 } })
    return this.#ticket === undefined ? empty : anyOf(empty, [[first, this.#ticket]])
  }

  /** What taking our turn does to the row: our ticket goes. Only where we were first, or the line is empty. */
  get leaving(): { remove: Path[] } {
    return { remove: [first] }
  }

  /** We have a ticket. */
  get waits(): boolean {
    return this.#ticket !== undefined
  }

  isOurTurn(row: WithLine | undefined): boolean {
    const head = row?.line?.[0]
    return head === undefined || head === this.#ticket
  }

  async enter(options: CallOptions): Promise<void> {
    const ticket = uniqueId(this.#db.runtime)
    this.#ticket = ticket
    await certainUpdate<WithLine>(this.#db, this.#key, { append: { line: [ticket] } }, options, (item) =>
      isIn(item, ticket),
    )
  }

  /** After the turn was taken. */
  done(): void {
    this.#ticket = undefined
    this.#first = undefined
  }

  /** Best effort; a ticket that stays is taken out by those behind. */
  async leave(): Promise<void> {
    const ticket = this.#ticket
    this.done()
    if (ticket === undefined) return
    try {
      for (let turn = 0; turn < 10; turn++) {
        const item = await this.#db.get<WithLine>(this.#key)
        const place = item?.data.line?.indexOf(ticket) ?? -1
        if (place < 0 || (await this.#takeOut(place, ticket, {}))) return
      }
    } catch {
      // The backend is in trouble; whoever stands behind us will see to it.
    }
  }

  /** `free`: but for the line, the row could be taken. Takes out the first one if it has not come for too long. */
  async look(row: WithLine | undefined, free: boolean, options: CallOptions): Promise<void> {
    const head = row?.line?.[0]
    if (!free || head === undefined || head === this.#ticket) {
      this.#first = undefined
      return
    }
    const now = this.#db.runtime.monotonic()
    if (this.#first?.ticket !== head) this.#first = { ticket: head, since: now }
    const place = this.#ticket === undefined ? -1 : row!.line!.indexOf(this.#ticket)
    // One after the other, so that they do not all write at once.
    const patience = this.#ticketMs * (place > 0 ? place : row!.line!.length)
    if (now - this.#first.since > patience) await this.#takeOut(0, head, options)
    // Taken out ourselves, while we could not come: to the end of the line.
    if (this.#ticket !== undefined && place < 0) await this.enter(options)
  }

  async #takeOut(place: number, ticket: string, options: CallOptions): Promise<boolean> {
    const path: Path = ['line', place]
    const result = await certainUpdate<WithLine>(
      this.#db,
      this.#key,
      { remove: [path] },
      { ...options, if: [[path, ticket]] },
      (item) => !isIn(item, ticket),
    )
    return result.applied || !isIn(result.item, ticket)
  }
}

const isIn = (item: AtomicDbItem<WithLine> | undefined, ticket: string): boolean =>
  item?.data.line?.includes(ticket) ?? false
