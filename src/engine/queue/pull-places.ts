import { InvalidInput } from '../../errors.ts'
import type { AtomicDbQueueItem, AtomicDbQueuePullManyResult } from '../../interface.ts'
import { isLive } from '../../model/expiry.ts'
import { isMessage, isReady } from '../../model/message-row.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange } from '../requests.ts'
import { mostMs, type Place } from './places.ts'
import { collect, readingDue, readPointers, type Work } from './pointer-list.ts'
import { earliestNow } from './promises.ts'

/** Places looked at together. */
const looksAtOnce = 16
/** Places looked at before those that have work, which could hide them. */
const looksBetween = 8
/** Longest time between two looks at a place by pulls that are strong, ms; longer where there are many places. */
const leastMost = 1000
/** A look sees so many rows. */
const lookRows = 10

/** A pull of up to so many messages from one place. `consistent`: false where a look has just shown all that is there. */
export type PullAt<T> = (
  pk: string,
  limit: number,
  consistent: boolean,
) => Promise<AtomicDbQueuePullManyResult<T>>

export interface PlacesPull<T> {
  readonly context: Context
  readonly work: Work
  readonly limit: number
  /** Eventually consistent looks are enough. */
  readonly isIdleLook: boolean
  readonly pullAt: PullAt<T>
  /** Whether what is claimed must be handed out now. */
  readonly isUp: () => boolean
  /** What it has from elsewhere. */
  readonly first: Found<T>
  /** Up to so many more from there, once the places have been asked. */
  readonly more?: ((limit: number) => Promise<Found<T>>) | undefined
}

/** What a pull from many places has so far. */
export interface Found<T> {
  items: AtomicDbQueueItem<T>[]
  dead: AtomicDbQueueItem<T>[]
  missed: number
  isPaused: boolean
  /** The first of what places could not be asked for. */
  failure: unknown
  /** When something that lies elsewhere can be given out, epoch ms. */
  nextDue: number
}

export const noneFound = <T>(): Found<T> => ({
  items: [],
  dead: [],
  missed: 0,
  isPaused: false,
  failure: undefined,
  nextDue: Number.POSITIVE_INFINITY,
})

/** What `pullPlaces` found. */
export interface PulledPlaces<T> {
  items: AtomicDbQueueItem<T>[]
  dead: AtomicDbQueueItem<T>[]
  missed: number
  isPaused: boolean
  /** When something that is known can be given out, epoch ms. */
  nextDue: number
}

/**
 * Pulls from the places that have work, in turn: whoever was asked longest ago is next. Before them it looks at a few
 * others, and after them, while there are not enough messages, at all that should be looked at.
 */
export async function pullPlaces<T>(pull: PlacesPull<T>): Promise<PulledPlaces<T>> {
  const { context, work } = pull
  const { runtime } = context
  const found: Found<T> = { ...pull.first, items: [...pull.first.items], dead: [...pull.first.dead] }
  const { places, control } = work
  if (isEnough(pull, found)) {
    if (found.items.length > 0 && !pull.isUp() && places.awake().length === 0) await glance(pull)
    return { ...found, nextDue: Math.min(found.nextDue, places.nextDue()) }
  }
  wakeDue(pull)
  const isBusy = places.awake().length > 0
  await read(pull, isBusy, found)
  const pausedUntil = control.pausedUntil(runtime.now())
  if (pausedUntil !== undefined) return { ...found, isPaused: true, nextDue: pausedUntil }
  if (isBusy) await lookAt(pull, dueOf(pull).slice(0, looksBetween), found, true)
  await pullFrom(pull, places.awake(), found)
  // Nothing of what was known: what is new is read strongly now, or what is known is a moment old already.
  if (isBusy && !isEnough(pull, found) && found.items.length === 0) await read(pull, false, found)
  const due = dueOf(pull)
  // What is in hand waits for two rounds of looks, not for all of them.
  for (let round = 0; due.length > 0 && !isEnough(pull, found); round++) {
    if (found.items.length > 0 && round >= 2) break
    await lookAt(pull, due.splice(0, looksAtOnce), found, pull.isIdleLook)
    await pullFrom(pull, places.awake(), found)
  }
  if (pull.more && !isEnough(pull, found)) add(found, await pull.more(pull.limit - found.items.length))
  if (found.items.length + found.dead.length === 0 && found.failure !== undefined) throw found.failure
  const isUnfinished = found.items.length === 0 && due.length > 0
  return { ...found, nextDue: isUnfinished ? runtime.now() + 1 : Math.min(found.nextDue, places.nextDue()) }
}

/** Beside what comes from elsewhere: else nobody would notice, while that is enough, that places have work. */
async function glance<T>(pull: PlacesPull<T>): Promise<void> {
  const unused = noneFound<T>()
  await read(pull, true, unused)
  await lookAt(pull, dueOf(pull).slice(0, looksBetween), unused, true)
}

function add<T>(found: Found<T>, more: Found<T>): void {
  found.items.push(...more.items)
  found.dead.push(...more.dead)
  found.missed += more.missed
  found.isPaused ||= more.isPaused
  found.failure ??= more.failure
  found.nextDue = Math.min(found.nextDue, more.nextDue)
}

async function read<T>(pull: PlacesPull<T>, isBusy: boolean, found: Found<T>): Promise<void> {
  const { context, work, isIdleLook } = pull
  const way = readingDue(work, isIdleLook, isBusy, context.runtime.monotonic())
  try {
    if (way) await readPointers(context, work, way === 'strong')
  } catch (error) {
    found.failure ??= error
  }
}

/** Strong pulls look more often: of up to 66 places, each was empty within the last second. */
function dueOf<T>({ context, work, isIdleLook }: PlacesPull<T>): Place[] {
  const { runtime } = context
  const most = isIdleLook ? mostMs : Math.min(mostMs, Math.max(leastMost, work.places.size * 15))
  return work.places.due(runtime.monotonic(), runtime.now(), most)
}

/** What this process gave back, or held for too long, is asked for without another look. */
function wakeDue<T>({ context, work }: PlacesPull<T>): void {
  const now = context.runtime.now()
  if (work.places.nextDue() > now) return
  for (const place of work.places.due(context.runtime.monotonic(), now))
    if (place.nextDue <= now) place.isAwake = true
}

function isEnough<T>({ context, limit, isUp }: PlacesPull<T>, { items, isPaused }: Found<T>): boolean {
  return (
    items.length >= limit ||
    isPaused ||
    (context.call.signal?.aborted ?? false) ||
    (items.length > 0 && isUp())
  )
}

/** Pulls from one place after the other until there are enough messages. */
async function pullFrom<T>(pull: PlacesPull<T>, places: readonly Place[], found: Found<T>): Promise<void> {
  const { context, work, limit } = pull
  for (const place of places) {
    if (isEnough(pull, found)) return
    const begun = context.runtime.monotonic()
    const wanted = limit - found.items.length
    work.places.serve(place)
    place.isAwake = false
    try {
      const { items, dead = [], missed = 0, nextDue, paused } = await pull.pullAt(place.pk, wanted, true)
      found.items.push(...items)
      found.dead.push(...dead)
      found.missed += missed
      found.isPaused ||= paused === true
      const due = paused ? Number.POSITIVE_INFINITY : (nextDue ?? Number.POSITIVE_INFINITY)
      // A message that this process pushed meanwhile has woken it again.
      const isMore = place.isAwake || paused === true || items.length >= wanted || missed > 0
      if (items.length > 0) place.gave(begun, isMore, due)
      else {
        place.wasEmpty(begun, due)
        place.isAwake = isMore
      }
    } catch (error) {
      place.isAwake = true
      if (error instanceof InvalidInput) throw error
      // One place that is throttled does not keep back the others.
      found.failure ??= error
    }
  }
}

/** Looks at some places at once; one whose pointer is over and that is empty loses it. */
async function lookAt<T>(
  pull: PlacesPull<T>,
  places: readonly Place[],
  found: Found<T>,
  isEventual: boolean,
): Promise<void> {
  const looks = await Promise.allSettled(places.map((place) => look(pull, place, isEventual)))
  for (const one of looks) if (one.status === 'rejected') found.failure ??= one.reason
}

async function look<T>({ context, work }: PlacesPull<T>, place: Place, isEventual: boolean): Promise<void> {
  const { runtime } = context
  const over = place.collectable(earliestNow(context))
  const begun = runtime.monotonic()
  const isStrong = over !== undefined || !isEventual
  const page = await readRange(context, { pk: place.pk, limit: lookRows }, isStrong)
  const now = runtime.now()
  const live = page.rows.filter(isMessage).filter((row) => isLive(row, nowSeconds(context)))
  if (page.next !== undefined || live.some((row) => isReady(row, now))) {
    place.isAwake = true
    return
  }
  const due = live.reduce((least, row) => Math.min(least, row.due ?? least), Number.POSITIVE_INFINITY)
  if (!place.isAwake) place.wasEmpty(begun, due)
  if (over !== undefined && page.rows.length === 0) await collect(context, work, place, over)
}
