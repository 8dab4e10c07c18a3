import { ConditionFailed, InvalidInput, RaceCondition } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemKey,
  AtomicDbOperation,
  CallOptions,
} from '../interface.ts'
import { checkDb, wholeNumber } from '../model/checks.ts'
import { dueSchedulesPk } from '../model/key-names.ts'
import { callOptions, optionsCheck } from '../model/options-check.ts'
import { announcePush } from '../model/wake.ts'
import {
  checkName,
  checkSchedulesPk,
  definitionOf,
  type ScheduledMessage,
  type ScheduleInput,
} from './definition.ts'
import { type Change, newRevision, planOf, writeOf } from './plan-change.ts'
import { compact, isSchedule, nextTick, type Schedule, type ScheduleRow, toSchedule } from './schedule-row.ts'

/** Where a schedule is, beside what every call takes. */
export interface ScheduleOptions extends CallOptions {
  /** The partition of the schedule. @default 'lockrow#schedules' */
  pk?: string
}

/** Options of `schedule`. */
export interface MakeScheduleOptions extends CallOptions {
  /** False: a schedule of this name that says something else is `InvalidInput`. @default true, it is changed */
  replace?: boolean
}

/** Options of `listSchedules`. */
export interface ListSchedulesOptions extends ScheduleOptions {
  /** Beginning of the names. */
  prefix?: string
  /** Maximum number of schedules. @default all */
  limit?: number
  /** Only schedules behind this name. */
  after?: string
}

const checkOptions = /* @__PURE__ */ optionsCheck<ScheduleOptions>(() => [{ ...callOptions, pk: true }])
const checkMakeOptions = /* @__PURE__ */ optionsCheck<MakeScheduleOptions>(() => [
  { ...callOptions, replace: 'boolean' },
  { pk: 'belongs to the schedule, beside its name' },
])
const checkListOptions = /* @__PURE__ */ optionsCheck<ListSchedulesOptions>(() => [
  { ...callOptions, pk: true, prefix: true, limit: true, after: true },
])

/** How often a change is planned anew because a tick or another change came in between. */
const attempts = 12

/**
 * Makes a schedule, or changes the one of this name: each tick sends the message, once, whatever the number of
 * processes that drive it (`Scheduler`, `schedulesLambda`). May be called at every start: a schedule that says the same
 * stays as it is, 1 RRU. A change keeps the next tick unless it changes when the schedule ticks; a paused one stays
 * paused. To make or change: 1 RRU, and 4 to 6 WRU per KB.
 *
 * @throws InvalidInput for a cron expression that never comes, an unknown time zone, a name that is taken by what is no
 * schedule.
 * @example
 * ```ts
 * await schedule(db, { name: 'report', cron: '30 2 * * *', timezone: 'Europe/Berlin' }, { pk: 'jobs', data: { report: 1 } })
 * ```
 */
export async function schedule<T = unknown>(
  db: AtomicDbInterface,
  input: ScheduleInput,
  message: ScheduledMessage<T>,
  options: MakeScheduleOptions = {},
): Promise<Schedule<T>> {
  checkDb(db)
  const definition = definitionOf(db.runtime, input, message)
  const key = keyOf(input.name, input.pk)
  checkMakeOptions(options)
  const { replace = true, ...call } = options
  const made = await change(db, key, call, (item) => planOf(db, key, definition, item, replace))
  return toSchedule<T>({ ...key, data: made! })
}

/**
 * The operations that `schedule` would commit, for a transaction of your own: `atomic(db).add(...await
 * scheduleOperations(db, input, message)).set(...).commit()`. Empty where the schedule says the same. 1 RRU. A change in
 * between is `ConditionFailed`.
 */
export async function scheduleOperations<T = unknown>(
  db: AtomicDbInterface,
  input: ScheduleInput,
  message: ScheduledMessage<T>,
  options: MakeScheduleOptions = {},
): Promise<AtomicDbOperation[]> {
  checkDb(db)
  const definition = definitionOf(db.runtime, input, message)
  const key = keyOf(input.name, input.pk)
  checkMakeOptions(options)
  const { replace = true, ...call } = options
  const item = await db.get(key, { ...call, consistent: true })
  return planOf(db, key, definition, item, replace).operations
}

/** One schedule, or undefined. 1 RRU per 4 KB. */
export async function getSchedule<T = unknown>(
  db: AtomicDbInterface,
  name: string,
  options: ScheduleOptions = {},
): Promise<Schedule<T> | undefined> {
  checkDb(db)
  checkOptions(options)
  const { pk, ...call } = options
  const item = await db.get(keyOf(name, pk), { ...call, consistent: true })
  return isSchedule(item) ? toSchedule<T>(item) : undefined
}

/** The schedules of a partition by name. 1 RRU per 4 KB. */
export async function listSchedules(
  db: AtomicDbInterface,
  options: ListSchedulesOptions = {},
): Promise<Schedule[]> {
  checkDb(db)
  checkListOptions(options)
  const { pk, prefix, ...query } = options
  const items = await db.query({ pk: checkSchedulesPk(pk), ...query, ...(prefix && { sk: prefix }) })
  return items.filter(isSchedule).map((item) => toSchedule(item))
}

/**
 * No tick from now on until `resumeSchedule`; up to `leadMs` of the driver, what is due within it was sent already.
 * Ticks meanwhile are left out whatever `missed` says. False: there is no such schedule. 1 RRU and 4 WRU per KB.
 */
export function pauseSchedule(
  db: AtomicDbInterface,
  name: string,
  options: ScheduleOptions = {},
): Promise<boolean> {
  return changeRow(db, name, options, (row) => {
    if (row.pausedAt !== undefined) return row
    return { ...row, pausedAt: db.runtime.now(), nextAt: undefined }
  })
}

/** Ticks come again, from the next one on. False: there is no such schedule. 1 RRU and 4 WRU per KB. */
export function resumeSchedule(
  db: AtomicDbInterface,
  name: string,
  options: ScheduleOptions = {},
): Promise<boolean> {
  return changeRow(db, name, options, (row) => {
    if (row.pausedAt === undefined) return row
    return { ...row, pausedAt: undefined, nextAt: nextTick(row, Math.max(db.runtime.now(), row.lastAt ?? 0)) }
  })
}

/** Removes a schedule; messages that it has sent stay. False: there is none. 1 RRU and 4 WRU per KB. */
export function removeSchedule(
  db: AtomicDbInterface,
  name: string,
  options: ScheduleOptions = {},
): Promise<boolean> {
  return changeRow(db, name, options, () => undefined)
}

/** The next ticks of a schedule, epoch ms. Nothing is read: of a schedule that is paused, those that would come. */
export function nextRuns(schedule: Schedule, count = 5, after?: number): number[] {
  if (typeof schedule !== 'object' || schedule === null || typeof schedule.name !== 'string')
    throw new InvalidInput('schedule', 'must be a schedule as getSchedule and listSchedules return it')
  wholeNumber(count, 'count', { min: 1, max: 10_000 })
  const { nextAt, pausedAt } = schedule
  if (nextAt === undefined && pausedAt === undefined) return []
  const runs: number[] = []
  let tick = after === undefined && nextAt !== undefined ? nextAt : nextTick(schedule, after ?? pausedAt ?? 0)
  for (; tick !== undefined && runs.length < count; tick = nextTick(schedule, tick)) runs.push(tick)
  return runs
}

const keyOf = (name: unknown, pk: unknown): AtomicDbItemKey => ({
  sk: checkName(name),
  pk: checkSchedulesPk(pk),
})

async function changeRow(
  db: AtomicDbInterface,
  name: string,
  options: ScheduleOptions,
  next: (row: ScheduleRow) => ScheduleRow | undefined,
): Promise<boolean> {
  checkDb(db)
  checkOptions(options)
  const { pk, ...call } = options
  const key = keyOf(name, pk)
  let found = false
  await change(db, key, call, (item) => {
    if (!isSchedule(item)) return { row: undefined, operations: [] }
    found = true
    const row = next(item.data)
    if (row === item.data) return { row, operations: [] }
    const written = row && compact({ ...row, revision: newRevision(db) })
    return { row: written, operations: writeOf(key, item.data, written) }
  })
  return found
}

/** Reads, plans and commits until nobody came in between. */
async function change(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  call: CallOptions,
  plan: (item: AtomicDbItem | undefined) => Change,
): Promise<ScheduleRow | undefined> {
  for (let attempt = 1; ; attempt++) {
    const item = await db.get(key, { ...call, consistent: true })
    const { row, operations } = plan(item)
    if (operations.length === 0) return row
    try {
      await db.transact(operations, call)
      announcePush(db.runtime, dueSchedulesPk(key.pk))
      return row
    } catch (error) {
      const isRace = error instanceof ConditionFailed || error instanceof RaceCondition
      if (!isRace || attempt === attempts) throw error
    }
  }
}
