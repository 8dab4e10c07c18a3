import type { AtomicDbItemKey } from '../../interface.ts'
import { pointerKey, pointerPrefix, shardIn, shardName } from '../../model/key-names.ts'
import { isNumeric } from '../../model/numbers.ts'
import { hasEnded, marginMs } from '../../model/promise-clock.ts'
import type { Row } from '../../storage.ts'
import type { Context } from '../context.ts'

/**
 * What a process knows of the shards of a queue, or of the queues of a family, that have a pointer. Only speed is lost
 * when it is forgotten. Deadlines are epoch ms; times named `monotonic` are of the monotonic clock.
 */

/** So many work partitions are remembered per database. */
const maxWorks = 1000
/** Shortest and longest time between two looks at a place to which messages may come without another word, ms. */
const leastMs = 100
export const mostMs = 3700
/** Between two looks at a place whose next message raises its pointer, ms: for requests that arrive late. */
const rareMs = 300_000
/** Between two looks at a place whose pointer could be collected, ms. */
const collectMs = 60_000
/** Longest time between two looks at a place where something waits for a later time, ms. */
const waitingMs = 30_000
/** By how much the clocks of producers and the time of a request prolong the time in which a pointer is relied on, ms. */
const spareMs = 15_000

/** A shard, or a queue of a family. */
export class Place {
  readonly pk: string
  /** What its pointer says, as read last; `undefined` where only our own push is known. */
  until: number | undefined
  /** Something was there when it was looked at last, or came since. */
  isAwake = false
  /** When a pull asked it last: whoever waits longest is next. */
  servedAt: number
  /** When a look at it began last. */
  #lookedAt = Number.NEGATIVE_INFINITY
  /** When a message was last found, or its pointer was seen to be raised. */
  #activeAt: number
  /** Until then messages may come while the pointer stays as it is. */
  #reliedUntil: number
  /** When the next of what lies there can be given out. */
  #due = Number.POSITIVE_INFINITY

  constructor(pk: string, monotonic: number, reliedMs: number, servedAt: number) {
    this.pk = pk
    this.servedAt = servedAt
    this.#activeAt = monotonic
    this.#reliedUntil = monotonic + reliedMs
  }

  /** Its pointer says something else than before: a message is there, or comes. */
  raised(until: number, monotonic: number, reliedMs: number, now: number): void {
    this.until = until
    this.#activeAt = monotonic
    // Raised for longer, or by a clock that is ahead, it is relied on for longer by all who read it.
    this.#reliedUntil = monotonic + Math.max(reliedMs, until - marginMs - now + spareMs)
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  /** A look, or a pull, that began then found nothing to give out; `due`: what it saw can be given out then. */
  wasEmpty(begun: number, due: number): void {
    this.isAwake = false
    this.#lookedAt = begun
    this.#due = due
  }

  /** A pull found messages; `isMore`: perhaps not all that were there. */
  gave(begun: number, isMore: boolean, due: number): void {
    this.#activeAt = begun
    this.wasEmpty(begun, due)
    this.isAwake = isMore
  }

  /** This process knows of something that can be given out then. */
  expect(due: number): void {
    this.#due = Math.min(this.#due, due)
  }

  get nextDue(): number {
    return this.#due
  }

  /** When it should be looked at next, as ms from `monotonic` on; `most`: the longest time between two looks. */
  waits(monotonic: number, now: number, most: number): number {
    const passed = monotonic - this.#lookedAt
    return Math.min(this.#spacing(monotonic, now, most) - passed, this.#due - now)
  }

  #spacing(monotonic: number, now: number, most: number): number {
    const quiet = Math.max(leastMs, Math.min(most, (monotonic - this.#activeAt) / 2))
    if (monotonic < this.#reliedUntil) return quiet
    if (this.#due < Number.POSITIVE_INFINITY)
      return Math.max(quiet, Math.min(waitingMs, (this.#due - now) / 8))
    return hasEnded(this.until, now) ? collectMs : rareMs
  }

  /** The end of its pointer, where nobody relies on that any more. */
  collectable(now: number): number | undefined {
    return this.until !== undefined && hasEnded(this.until, now) ? this.until : undefined
  }
}

/** All places of a work partition. */
export class Places {
  readonly #queue: string
  readonly #isFamily: boolean
  readonly #reliedMs: number
  readonly #all = new Map<string, Place>()
  /** When the last reading of the pointers began, and the last strong one. */
  readAt = Number.NEGATIVE_INFINITY
  strongAt = Number.NEGATIVE_INFINITY
  /** How much it read, bytes. */
  readBytes = 0
  #turn = 0
  #half = 0

  constructor(queue: string, isFamily: boolean, reliedMs: number) {
    this.#queue = queue
    this.#isFamily = isFamily
    this.#reliedMs = reliedMs + spareMs
  }

  get size(): number {
    return this.#all.size
  }

  /** Pointers as they were read, all of them. What has none is forgotten, unless this process has pushed to it since. */
  noteAll(rows: readonly Row[], begun: number, { monotonic, now, random }: Moments): void {
    const seen = new Set<Place>()
    for (const { sk, until } of rows) {
      if (!sk.startsWith(pointerPrefix) || !isNumeric(until)) continue
      const name = sk.slice(pointerPrefix.length)
      const place = this.#known(
        this.#isFamily ? name : shardName(this.#queue, Number(name)),
        monotonic,
        random,
      )
      if (Number(until) !== place.until) place.raised(Number(until), monotonic, this.#reliedMs, now)
      seen.add(place)
    }
    for (const place of this.#all.values()) if (!seen.has(place) && !place.isAwake) this.#all.delete(place.pk)
    this.readAt = begun
  }

  #known(pk: string, monotonic: number, random: () => number): Place {
    let place = this.#all.get(pk)
    if (!place) {
      // Many processes must not all begin with the same one.
      place = new Place(pk, monotonic, this.#reliedMs, -random())
      this.#all.set(pk, place)
    }
    return place
  }

  /** This process pushed a message there. */
  arrived(pk: string, due: number, { monotonic, now, random }: Moments): void {
    const place = this.#known(pk, monotonic, random)
    if (due <= now) place.isAwake = true
    else place.expect(due)
  }

  /** The key of its pointer. */
  pointerOf({ pk }: Place): AtomicDbItemKey {
    return pointerKey(this.#queue, this.#isFamily ? pk : shardIn(pk)!.index)
  }

  get(pk: string): Place | undefined {
    return this.#all.get(pk)
  }

  forget(place: Place): void {
    if (!place.isAwake) this.#all.delete(place.pk)
  }

  /** Those with something to give out, whoever was asked longest ago first. */
  awake(): Place[] {
    return [...this.#all.values()].filter(({ isAwake }) => isAwake).sort((a, b) => a.servedAt - b.servedAt)
  }

  /** 1 and 0 by turns: who is given the odd one where two share. */
  nextHalf(): number {
    this.#half = 1 - this.#half
    return this.#half
  }

  /** A pull asks this one now. */
  serve(place: Place): void {
    place.servedAt = ++this.#turn
  }

  /** Those that should be looked at now, the longest overdue first. */
  due(monotonic: number, now: number, most = mostMs): Place[] {
    const found: { place: Place; waits: number }[] = []
    for (const place of this.#all.values()) {
      const waits = place.isAwake ? 1 : place.waits(monotonic, now, most)
      if (waits <= 0) found.push({ place, waits })
    }
    return found.sort((a, b) => a.waits - b.waits).map(({ place }) => place)
  }

  /** When the next of what is known can be given out. */
  nextDue(): number {
    let due = Number.POSITIVE_INFINITY
    for (const place of this.#all.values()) due = Math.min(due, place.nextDue)
    return due
  }
}

interface Moments {
  monotonic: number
  now: number
  random: () => number
}

export const momentsOf = ({ runtime }: Context): Moments => ({
  monotonic: runtime.monotonic(),
  now: runtime.now(),
  random: () => runtime.random(),
})

const all = new WeakMap<object, Map<string, Places>>()

/** What this process knows of a work partition; made by `create` when there is nothing yet. */
export function placesOf(context: Context, work: string, create: () => Places): Places {
  let works = all.get(context.database)
  if (!works) {
    works = new Map()
    all.set(context.database, works)
  }
  let places = works.get(work)
  if (!places) {
    places = create()
    if (works.size >= maxWorks) works.delete(works.keys().next().value!)
    works.set(work, places)
  }
  return places
}

/** This process pushed a message to a place; only its own consumers need to know. */
export function arrivedAt(context: Context, work: string, pk: string, due: number): void {
  all.get(context.database)?.get(work)?.arrived(pk, due, momentsOf(context))
}

/** Something of a queue can be given out at `due`, as far as this process knows. */
export function expectedAt(context: Context, pk: string, due: number): void {
  for (const places of all.get(context.database)?.values() ?? []) places.get(pk)?.expect(due)
}
