import { absent, anyOf } from '../contract/conditions.ts'
import { ConditionFailed, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbQueueItemInput } from '../interface.ts'
import { dueSchedulesPk, readDueSchedule } from '../model/key-names.ts'
import { notify } from '../model/notify.ts'
import { messageOf, messagesAtOnce } from './definition.ts'
import { type DueTicks, dueTicks } from './due-ticks.ts'
import { compact, isAsRead, isSchedule, moveDue, type ScheduleRow } from './schedule-row.ts'

/** What happened to a schedule, for logs and metrics. */
export type ScheduleEvent =
  /** The messages of these ticks (epoch ms) were sent. */
  | { type: 'fired'; name: string; ticks: readonly number[] }
  /** Ticks from `from` on (epoch ms) were left out by `missed`; those of `ticks` of the event `fired` after it were not. */
  | { type: 'skipped'; name: string; from: number }
  /** A schedule could not be driven, or the database could not be reached; the driver goes on. */
  | { type: 'error'; name?: string; error: unknown }

/** How schedules are driven. */
export interface Driving {
  pk: string
  leadMs: number
  signal?: AbortSignal
  onEvent?: ((event: ScheduleEvent) => unknown) | undefined
}

/** What one look has done. */
export interface Fired {
  /** Number of ticks that have sent their message. */
  fired: number
  /** When the next schedule is due, epoch ms; undefined: none is. */
  nextAt: number | undefined
}

/** So many rows of due times are 4 KB: the look of an idle driver costs 0.5 RRU. */
const rowsAtOnce = 32
/** A tick that has passed is due so much later: a time of the past would be refused, ms. */
const soonMs = 100
/** How late a due time without its schedule must be before it is taken for one that somebody has left behind, ms. */
const forgottenMs = 60_000

/** Sends the messages of all schedules of a partition that are due, and tells when the next one is. */
export async function fireDue(db: AtomicDbInterface, driving: Driving): Promise<Fired> {
  const { pk, leadMs, signal } = driving
  let fired = 0
  let nextAt = Number.POSITIVE_INFINITY
  for (let after: string | undefined; ; ) {
    const page = { pk: dueSchedulesPk(pk), limit: rowsAtOnce, consistent: false, signal }
    const rows = await db.query({ ...page, ...(after !== undefined && { after }) })
    const times = rows.map((row) => readDueSchedule(row.sk))
    const until = db.runtime.now() + leadMs
    const due = times.filter(({ at }) => at <= until)
    const results = await fireAll(db, driving, due)
    for (const one of results) {
      fired += one.fired
      nextAt = Math.min(nextAt, one.nextAt ?? Number.POSITIVE_INFINITY)
    }
    const later = times.find(({ at }) => at > until)
    if (later) nextAt = Math.min(nextAt, later.at)
    if (later || rows.length < rowsAtOnce || signal?.aborted) break
    after = rows.at(-1)!.sk
  }
  return { fired, nextAt: nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt }
}

interface DueTime {
  at: number
  name: string
}

/** Those that one page shows as due. Several drivers begin with different ones, to keep out of each other's way. */
async function fireAll(db: AtomicDbInterface, driving: Driving, due: readonly DueTime[]): Promise<Fired[]> {
  if (due.length === 0) return []
  const { pk, signal } = driving
  const keys = due.map(({ name }) => ({ pk, sk: name }))
  const items = await db.getMany(keys, { consistent: true, signal })
  const first = Math.floor(db.runtime.random() * due.length)
  const results: Fired[] = []
  for (let i = 0; i < due.length && !signal?.aborted; i++) {
    const index = (first + i) % due.length
    const { name } = due[index]!
    try {
      results.push(await fireOne(db, driving, due[index]!, items[index]))
    } catch (error) {
      if (!signal?.aborted) notify(driving.onEvent, { type: 'error', name, error })
    }
  }
  return results
}

/** All ticks of one schedule that are due; stops where somebody else comes in between. */
async function fireOne(
  db: AtomicDbInterface,
  driving: Driving,
  { at, name }: DueTime,
  item: AtomicDbItem | undefined,
): Promise<Fired> {
  if (!isSchedule(item) || item.data.nextAt !== at) {
    await forget(db, driving, { at, name })
    return { fired: 0, nextAt: isSchedule(item) ? item.data.nextAt : undefined }
  }
  let row = item.data
  const most = messagesAtOnce(db.runtime, row.message)
  let fired = 0
  while (!driving.signal?.aborted) {
    const ticks = dueTicks(row, db.runtime.now(), driving.leadMs, most)
    if (ticks.nextAt === row.nextAt) break
    const next = await commit(db, driving, name, row, ticks)
    // When it is due now, the next look will show.
    if (next === undefined) return { fired, nextAt: at }
    fired += ticks.fire.length
    if (ticks.skipped) notify(driving.onEvent, { type: 'skipped', name, from: row.nextAt! })
    if (ticks.fire.length > 0) notify(driving.onEvent, { type: 'fired', name, ticks: ticks.fire })
    row = next
  }
  return { fired, nextAt: row.nextAt }
}

/**
 * The messages and the next time in one transaction, guarded by the time and the revision that were read: whoever comes
 * second, or comes late, changes nothing. Undefined: somebody else was faster.
 */
async function commit(
  db: AtomicDbInterface,
  { pk, signal }: Driving,
  name: string,
  row: ScheduleRow,
  { fire, nextAt }: DueTicks,
): Promise<ScheduleRow | undefined> {
  const key = { pk, sk: name }
  const next: ScheduleRow = compact({
    ...row,
    nextAt,
    lastAt: fire.at(-1) ?? row.lastAt,
    fired: row.fired + fire.length,
  })
  const { lastAt, fired } = next
  const set = compact({ nextAt, lastAt, fired })
  const changes = { set, ...(nextAt === undefined && { remove: ['nextAt'] }) }
  try {
    await db.transact(
      [
        { type: 'update', key, changes, if: isAsRead(row) },
        ...moveDue(key, row.nextAt, nextAt),
        ...fire.map((tick) => ({ type: 'queuePush' as const, item: notBefore(db, row, name, tick) })),
      ],
      { signal },
    )
    return next
  } catch (error) {
    if (error instanceof ConditionFailed || error instanceof RaceCondition) return undefined
    throw error
  }
}

/**
 * The message is given out at its tick by the clock of the consumer, also where the clock of this process is ahead: a
 * message that is due later is due at a moment, and that is never before the tick.
 */
function notBefore(
  { runtime }: AtomicDbInterface,
  row: ScheduleRow,
  name: string,
  tick: number,
): AtomicDbQueueItemInput {
  return { ...messageOf(row.message, name, tick), at: Math.max(tick, runtime.now() + soonMs) }
}

/** Takes away a due time whose schedule is gone, or due at another time: somebody has deleted the row by hand. */
async function forget(db: AtomicDbInterface, { pk, signal }: Driving, { at, name }: DueTime): Promise<void> {
  if (at > db.runtime.now() - forgottenMs) return
  const key = { pk, sk: name }
  const isElsewhere = anyOf(absent, [['nextAt', { exists: false }]], { nextAt: { ne: at } })
  await db
    .transact([{ type: 'check', key, if: isElsewhere }, ...moveDue(key, at, undefined)], { signal })
    .catch((error) => {
      if (!(error instanceof ConditionFailed || error instanceof RaceCondition)) throw error
    })
}
