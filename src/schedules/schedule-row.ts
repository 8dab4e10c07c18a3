import type { AtomicDbItem, AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'
import { dueScheduleKey } from '../model/key-names.ts'
import type { Definition, MissedTicks, ScheduledMessage } from './definition.ts'
import { type Timing, tickAfter } from './timing.ts'

/** A schedule as it is. */
export interface Schedule<T = unknown> {
  name: string
  /** The partition of the schedule. */
  pk: string
  cron?: string
  timezone?: string
  everyMs?: number
  startAt?: number
  endAt?: number
  missed: MissedTicks
  missedLimit: number
  graceSeconds: number
  message: ScheduledMessage<T>
  /** The next tick, epoch ms. Absent: it is paused, or over. */
  nextAt?: number
  /** The last tick that has sent its message, epoch ms. */
  lastAt?: number
  /** How many ticks have sent their message. */
  fired: number
  /** Since when it is paused, epoch ms. */
  pausedAt?: number
  /** From where `everyMs` counts, epoch ms. */
  anchor: number
}

/** What the row of a schedule holds. */
export interface ScheduleRow<T = unknown> extends Definition<T> {
  /** Drawn anew by every change: a tick that was planned before it comes to nothing. */
  revision: string
  /** From where `everyMs` counts, epoch ms. */
  anchor: number
  nextAt?: number
  lastAt?: number
  fired: number
  pausedAt?: number
}

type ScheduleItem<T = unknown> = AtomicDbItem<ScheduleRow<T>>

/** Without the fields that are not there. */
export const compact = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

export const timingOf = ({ cron, timezone, everyMs, anchor }: Partial<ScheduleRow>): Timing =>
  cron === undefined ? { everyMs: everyMs!, anchor: anchor! } : { cron, timezone: timezone! }

/** The first tick behind a time within the bounds of the schedule. */
export function nextTick(
  row: Partial<ScheduleRow> & Pick<ScheduleRow, 'anchor'>,
  after: number,
): number | undefined {
  const { startAt = Number.NEGATIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = row
  const tick = tickAfter(timingOf(row), Math.max(after, startAt - 1))
  return tick === undefined || tick > endAt ? undefined : tick
}

/** Whether the row is a schedule: anybody can write into the partition. */
export const isSchedule = (item: AtomicDbItem | undefined): item is ScheduleItem => {
  const data = item?.data as Partial<ScheduleRow> | undefined
  return typeof data?.revision === 'string' && typeof data.message === 'object'
}

export function toSchedule<T>(item: AtomicDbItem): Schedule<T> {
  const { revision: _, ...row } = (item as ScheduleItem<T>).data
  return { name: item.sk, pk: item.pk, ...row }
}

/** The row that says when a schedule is due, which changes with `nextAt` in one transaction. */
export function moveDue(
  { pk, sk }: AtomicDbItemKey,
  from: number | undefined,
  to: number | undefined,
): AtomicDbOperation[] {
  if (from === to) return []
  const remove = from === undefined ? [] : [{ type: 'delete' as const, key: dueScheduleKey(pk, from, sk) }]
  if (to === undefined) return remove
  // Something must be in it: an item has data.
  return [...remove, { type: 'set', item: { ...dueScheduleKey(pk, to, sk), data: { at: to } } }]
}

/** Holds while nobody has changed the schedule, and no tick has come, since it was read. */
export const isAsRead = ({ revision, nextAt }: ScheduleRow) => ({
  revision,
  nextAt: nextAt === undefined ? { exists: false } : nextAt,
})
