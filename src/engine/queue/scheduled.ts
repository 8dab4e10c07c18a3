import { encodeTime } from 'ulid'
import type { AtomicDbItemKey } from '../../interface.ts'
import { isLive } from '../../model/expiry.ts'
import { isScheduledName, queueOfShard, scheduledName, shardIn } from '../../model/key-names.ts'
import { isMessage, type MessageRow, pushedTo } from '../../model/message-row.ts'
import { keyAt, type Priority, partOf, priorities, priorityOf, timeIn } from '../../model/priorities.ts'
import { hasEnded } from '../../model/promise-clock.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange } from '../requests.ts'
import { scheduledPromises } from './apart.ts'
import { maxPage, type Pull, stillWanted } from './claim.ts'
import type { Control } from './control.ts'
import { move } from './dead-letters.ts'
import { arrived, inFlightOf, maxQueues } from './in-flight.ts'
import { bySk } from './order.ts'
import { pointedAt } from './pointers.ts'
import { pullByScan } from './scan.ts'

/** While more may be pushed, a consumer looks so often at what is due later, ms. */
const lookMs = 20_000
const lookRows = 10

/** What a process knows of the messages of a queue, of one priority, that are due later. */
interface Schedule {
  /** When the first of them can be given out, epoch ms; `undefined`: nobody has looked. */
  nextDue: number | undefined
  /** By the monotonic clock. */
  lookedAt: number
  /** The end of the promise after which a strong look has found what there is. */
  settled: number
}

const all = new WeakMap<object, Map<string, Schedule>>()

function scheduleOf(context: Context, pk: string, priority: Priority): Schedule {
  const name = keyAt(priority, `#${pk}`)
  let schedules = all.get(context.database)
  if (!schedules) {
    schedules = new Map()
    all.set(context.database, schedules)
  }
  let schedule = schedules.get(name)
  if (!schedule) {
    schedule = { nextDue: undefined, lookedAt: Number.NEGATIVE_INFINITY, settled: 0 }
    if (schedules.size >= maxQueues) schedules.delete(schedules.keys().next().value!)
    schedules.set(name, schedule)
  }
  return schedule
}

const placeOf = ({ options }: Pull): string => scheduledName(queueOfShard(options.pk))

/** The priorities of which messages were ever due later, as far as this process knows. */
const promisedOf = ({ control }: Pull): Priority[] =>
  priorities.filter((one) => control.promiseOf(scheduledPromises[one]) > 0)

/** Whether anything of a queue was ever due later, as far as this process knows. */
export const isAnyScheduled = (control: Control): boolean =>
  Object.values(scheduledPromises).some((name) => control.promiseOf(name) > 0)

/** When the next of them is due, as far as this process knows. */
export function nextScheduled(pull: Pull): number {
  if (shardIn(pull.options.pk)) return Number.POSITIVE_INFINITY
  const known = promisedOf(pull).map((one) => scheduleOf(pull.context, placeOf(pull), one).nextDue)
  return Math.min(...known.map((due = Number.POSITIVE_INFINITY) => due))
}

/** This process has pushed one. */
export function scheduled(context: Context, { pk, sk }: AtomicDbItemKey, due: number): void {
  const schedule = scheduleOf(context, pk, priorityOf(sk))
  if (schedule.nextDue !== undefined) schedule.nextDue = Math.min(schedule.nextDue, due)
}

/**
 * Puts what can be given out now into `side`, without claiming it; moves it into the queue where order is strict.
 * False: nothing is known that was ever due later.
 */
export async function gatherDue(pull: Pull, isStrict: boolean): Promise<boolean> {
  const { context, control, options } = pull
  // Shards are visited beside what is due later; one that has a group is not there.
  if (shardIn(options.pk) || options.group !== undefined) return true
  const promised = promisedOf(pull)
  const pk = placeOf(pull)
  let isRead = false
  for (const priority of promised) {
    const until = control.promiseOf(scheduledPromises[priority])
    const schedule = scheduleOf(context, pk, priority)
    if (!(await needsReading(context, { pk, priority, schedule, until }))) continue
    await readDue(pull, { pk, priority, schedule, until })
    isRead = true
  }
  if (isStrict && isRead) await moveInto(pull)
  return promised.length > 0
}

/** What is due later of one priority, and until when it is promised that consumers look there. */
interface Part {
  pk: string
  priority: Priority
  schedule: Schedule
  until: number
}

async function needsReading(context: Context, part: Part): Promise<boolean> {
  const { pk, priority, schedule, until } = part
  const now = context.runtime.now()
  const monotonic = context.runtime.monotonic()
  const { nextDue } = schedule
  if (nextDue === undefined || nextDue <= now || inFlightOf(context, pk, priority).hasOwnDue(now)) return true
  if (hasEnded(until, now)) return schedule.settled < until
  if (monotonic < schedule.lookedAt + lookMs) return false
  schedule.lookedAt = monotonic
  return look(context, part)
}

/** An eventually consistent look at the first of them. True: something is due, or it does not see far enough. */
async function look(context: Context, { pk, priority, schedule }: Part): Promise<boolean> {
  const page = await readRange(context, { pk, ...partOf[priority], limit: lookRows }, false)
  const now = context.runtime.now()
  for (const row of page.rows) {
    if (!isMessage(row) || !isLive(row, nowSeconds(context))) continue
    const { due = 0 } = row
    if (due <= now) return true
    schedule.nextDue = Math.min(schedule.nextDue ?? due, due)
    if (isLater(row, now)) return false
  }
  return page.next !== undefined
}

const isLater = ({ sk }: MessageRow, now: number): boolean => (timeIn(sk) ?? 0) > now

/** Reads from behind what is in flight up to what is due now, as a pull of the partition does. */
async function readDue(pull: Pull, { pk, priority, schedule, until }: Part): Promise<void> {
  const { context, options } = pull
  const inFlight = inFlightOf(context, pk, priority)
  const now = context.runtime.now()
  const limit = Math.min(maxPage, Math.max(1, stillWanted(pull)))
  const reading: Pull = {
    ...pull,
    options: { ...options, pk, limit },
    inFlight,
    rows: [],
    dead: [],
    side: [],
    isCollecting: true,
    part: partOf[priority],
    upTo: keyAt(priority, `${encodeTime(now)}${'Z'.repeat(16)}`),
    nextDue: Number.POSITIVE_INFINITY,
  }
  const wasEnded = hasEnded(until, now)
  await pullByScan(reading)
  schedule.lookedAt = context.runtime.monotonic()
  const isAll = reading.side.length < limit
  // What is not claimed now is read again by the next pull.
  schedule.nextDue = reading.side.length > 0 ? now : Math.min(reading.nextDue, inFlight.nextDue)
  if (wasEnded && isAll) schedule.settled = until
  const known = new Set(pull.side.map(({ sk }) => sk))
  pull.side.push(...reading.side.filter(({ sk }) => !known.has(sk)))
  pull.side.sort(bySk)
}

/** Where order is strict, a message takes its place among the others: 4 WRU. */
async function moveInto(pull: Pull): Promise<void> {
  const { context } = pull
  const rows = pull.side.splice(0)
  const targets = rows.map((row) => {
    const { due: _, q: __, ...target } = row
    return { ...target, pk: pushedTo(row) } as MessageRow
  })
  const pointed = await pointedAt(context, targets)
  for (const [i, target] of targets.entries())
    if (await move(pointed, rows[i]!, target)) arrived(context, target)
}

/** Whether a pull is of this partition alone, as one of a queue with shards. */
export const isOfSchedule = ({ options }: Pull): boolean => isScheduledName(options.pk)
