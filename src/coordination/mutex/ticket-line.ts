import { absent, anyOf, type Condition } from '../../contract/conditions.ts'
import type { Path } from '../../contract/paths.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../../interface.ts'
import { endingOf } from '../../model/time-left.ts'
import { during, tidying } from '../call-time.ts'
import { certainUpdate, uniqueId } from '../certain-update.ts'
import { mustBeOurs } from '../coordination-key.ts'

interface Ticket {
  id: string
  /** When it lapses, epoch ms by its owner's clock: refreshed for as long as the owner waits. */
  until: number
}

/** A row with a waiting line: tickets in the order in which they were drawn. */
export interface WithLine {
  line?: Ticket[]
}

/** Maximum number of lapsed tickets that one write removes. */
const atOnce = 20
/** Those who stand further back look less often, and their tickets last longer: the row grows with the line. */
const nearPlaces = 3
const farPlaces = 32

/**
 * First come, first served, on one row. Who stops waiting without leaving (a crash, a long pause) holds up the others
 * until its ticket has lapsed; then the first that is alive takes it out. Clocks are compared, with a tolerance: one
 * that is wrong by more costs somebody the place, never the exclusion.
 */
export class Line {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #ticketMs: number
  readonly #toleranceMs: number
  #ticket: string | undefined
  #place = -1
  #lastPlace = -1

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, ticketMs: number, toleranceMs: number) {
    this.#db = db
    this.#key = key
    this.#ticketMs = ticketMs
    this.#toleranceMs = toleranceMs
  }

  /** We have a ticket. */
  get waits(): boolean {
    return this.#ticket !== undefined
  }

  /** Nobody waits, or we are first. */
  get turn(): Condition {
    const empty = anyOf([['line', { exists: false }]], { line: { size: 0 } })
    return this.#ticket === undefined ? empty : anyOf(empty, [[['line', 0, 'id'], this.#ticket]])
  }

  /** What taking our turn does to the row: our ticket goes. Only where we were first, or the line is empty. */
  get leaving(): { remove?: Path[] } {
    return this.#ticket === undefined ? {} : { remove: [['line', 0]] }
  }

  /** How far apart our looks are at most, ms. */
  get slowestMs(): number {
    if (this.#place <= nearPlaces) return 250
    return this.#place <= farPlaces ? 500 : 1000
  }

  /** Up to three times as long at the end of a long line. */
  #lifetime(place: number): number {
    return this.#ticketMs * (1 + 2 * Math.min(1, Math.max(0, place - nearPlaces) / farPlaces))
  }

  /** We are among the next ones, and have moved up since this was asked last. */
  movedUp(): boolean {
    const moved = this.#place !== this.#lastPlace && this.#place <= nearPlaces
    this.#lastPlace = this.#place
    return moved
  }

  isOurTurn(row: WithLine | undefined): boolean {
    const first = row?.line?.[0]
    return first === undefined || first.id === this.#ticket
  }

  /** Draws a ticket. On a new key that makes the row, which looks like a mutex that is free. */
  async enter(options: CallOptions, length = 0): Promise<void> {
    const until = this.#db.runtime.now() + this.#lifetime(length)
    const ticket = { id: uniqueId(this.#db.runtime), until: Math.ceil(until) }
    this.#ticket = ticket.id
    const { applied, item } = await certainUpdate<WithLine>(
      this.#db,
      this.#key,
      { append: { line: [ticket] }, setIfAbsent: { token: 0, owner: null, until: null } },
      during(options, { if: anyOf(absent, [['token', { exists: true }]], [['line', { exists: true }]]) }),
      (found) => placeOf(found, ticket.id) >= 0,
    )
    if (!applied) mustBeOurs(item, 'token', 'line')
  }

  /** The turn was taken. */
  done(): void {
    this.#ticket = undefined
    this.#place = -1
    this.#lastPlace = -1
  }

  /** Best effort: a ticket that stays lapses. */
  async leave(): Promise<void> {
    const ticket = this.#ticket
    this.done()
    if (ticket === undefined) return
    const ending = endingOf(this.#db)
    const call = tidying(ending)
    try {
      for (let turn = 0; turn < 10; turn++) {
        const item = await ending.get<WithLine>(this.#key, during(call, { consistent: true }))
        const place = placeOf(item, ticket)
        if (place < 0 || (await this.#takeOut([[place, ticket]], call, ending))) return
      }
    } catch {
      // The backend is in trouble; it lapses.
    }
  }

  /**
   * While we wait: keeps our ticket alive, or draws another one when it was taken out, or when another waiter of this
   * object used it.
   */
  async keep(row: WithLine | undefined, options: CallOptions): Promise<void> {
    const ticket = this.#ticket
    const now = this.#db.runtime.now()
    const place = row?.line?.findIndex(({ id }) => id === ticket) ?? -1
    this.#place = place
    if (ticket === undefined || place < 0) return this.enter(options, row?.line?.length)
    const lifetime = this.#lifetime(place)
    if (row!.line![place]!.until - now > lifetime / 2) return
    await certainUpdate(
      this.#db,
      this.#key,
      { set: [[['line', place, 'until'], Math.ceil(now + lifetime)]] },
      during(options, { if: [[['line', place, 'id'], ticket]] }),
      () => false,
    )
  }

  /** Takes out those before us when all of them have lapsed. True: it did. */
  async sweep(row: WithLine | undefined, options: CallOptions): Promise<boolean> {
    const line = row?.line ?? []
    const ours = line.findIndex(({ id }) => id === this.#ticket)
    const before = ours < 0 ? line : line.slice(0, ours)
    const lapsed = this.#db.runtime.now() - this.#toleranceMs
    if (before.length === 0 || before.some(({ until }) => until >= lapsed)) return false
    return this.#takeOut(
      before.slice(0, atOnce).map(({ id }, i): [number, string] => [i, id]),
      options,
    )
  }

  async #takeOut(
    tickets: readonly [number, string][],
    options: CallOptions,
    db = this.#db,
  ): Promise<boolean> {
    const result = await certainUpdate<WithLine>(
      db,
      this.#key,
      { remove: tickets.map(([place]): Path => ['line', place]) },
      during(options, { if: tickets.map(([place, id]): [Path, string] => [['line', place, 'id'], id]) }),
      (item) => tickets.every(([, id]) => placeOf(item, id) < 0),
    )
    return result.applied
  }
}

const placeOf = (item: AtomicDbItem<WithLine> | undefined, ticket: string): number =>
  item?.data.line?.findIndex(({ id }) => id === ticket) ?? -1
