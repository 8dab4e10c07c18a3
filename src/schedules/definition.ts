import { InvalidInput } from '../errors.ts'
import type { AtomicDbQueueItemInput } from '../interface.ts'
import { seconds, shortText, wholeNumber } from '../model/checks.ts'
import { isLockName, lockSuffix, schedulesPk } from '../model/key-names.ts'
import { checkPk } from '../model/keys.ts'
import { checkRoom, newMessage } from '../model/message-row.ts'
import { optionsCheck } from '../model/options-check.ts'
import { checkShards, shardOf } from '../model/shards.ts'
import { rowBytes } from '../model/sizes.ts'
import { type Runtime, ulidSource } from '../runtime.ts'
import { checkCron } from './timing.ts'

/** What becomes of ticks that nobody was there for. */
export type MissedTicks = 'skip' | 'one' | 'all'

/** When a schedule ticks: by `cron` or `everyMs`. */
export interface ScheduleInput {
  /** What the schedule is called. 1 to 512 bytes. */
  name: string
  /**
   * Five fields (minute, hour, day of month, month, day of week), or six with seconds before them; also `@daily` and the
   * like, `L` for the last day, `5#2` for the second Friday.
   */
  cron?: string
  /** Milliseconds between two ticks, from 1000. The first one is so long after the schedule was made, or at `startAt`. */
  everyMs?: number
  /**
   * The time zone of `cron`, by its IANA name. Where the clock jumps ahead, a tick at a time that is left out comes as
   * soon as it has jumped; where it is set back, a tick at one time of day comes once, and one every so often in each hour.
   * @default 'UTC'
   */
  timezone?: string
  /** No tick before this time: a Date, or epoch ms. @default now */
  startAt?: Date | number
  /** No tick behind this time: a Date, or epoch ms. @default none */
  endAt?: Date | number
  /**
   * Ticks that are more than `graceSeconds` late because nobody was there: `skip` leaves them out, `one` makes up for
   * them by the last of them unless a later one comes in time, `all` makes up for each, up to `missedLimit`.
   * @default 'one'
   */
  missed?: MissedTicks
  /** With `missed: 'all'`: the most ticks that are made up for, the latest ones. 1 to 1000. @default 100 */
  missedLimit?: number
  /**
   * Seconds that a tick may be late and still counts as in time. Clocks that are ahead by less leave out no tick.
   * @default 60
   */
  graceSeconds?: number
  /** The partition of the schedule, for tenants with roles of their own. @default 'lockrow#schedules' */
  pk?: string
}

/** The message that every tick sends: the fields of a push, without those that each message must have of its own. */
export interface ScheduledMessage<T = unknown>
  extends Omit<AtomicDbQueueItemInput<T>, 'sk' | 'ttl' | 'delaySeconds' | 'deduplicationId' | 'at'> {
  /** For a queue with shards: their number. Messages are assigned by group, else by tick. */
  shards?: number
  /** Name of a field of `data` that gets the time of the tick, epoch ms. `data` must be an object then. */
  tickField?: string
}

/** What a schedule says, checked, with its defaults. */
export interface Definition<T = unknown> {
  cron?: string
  timezone?: string
  everyMs?: number
  startAt?: number
  endAt?: number
  missed: MissedTicks
  missedLimit: number
  graceSeconds: number
  message: ScheduledMessage<T>
}

export const checkInput = /* @__PURE__ */ optionsCheck<ScheduleInput>(
  () => [
    {
      name: true,
      cron: true,
      everyMs: true,
      timezone: true,
      startAt: true,
      endAt: true,
      missed: true,
      missedLimit: true,
      graceSeconds: true,
      pk: true,
    },
    {
      every: "use 'everyMs'",
      interval: "use 'everyMs'",
      tz: "use 'timezone'",
      timeZone: "use 'timezone'",
      pattern: "use 'cron'",
      id: "use 'name'",
      data: 'belongs to the message, the third argument',
      message: 'is the third argument',
      at: 'for a single time push a message with it',
    },
  ],
  'schedule',
)

/** Why a message of a schedule has no such field. */
const ofEachMessage: Readonly<Record<string, string>> = {
  queue: "the queue is 'pk'",
  sk: 'each tick sends a message of its own',
  ttl: 'each tick sends a message of its own',
  delaySeconds: 'a message comes at its tick',
  at: 'a message comes at its tick',
  deduplicationId: 'a tick sends its message once as it is',
}

const nameLimit = 512
const leastEveryMs = 1000

export const checkName = (name: unknown): string => {
  const checked = shortText(name, 'name', nameLimit)
  if (isLockName(checked))
    throw new InvalidInput('name', `must not end in '${lockSuffix}': that is where the locks of items are`)
  return checked
}

export function checkSchedulesPk(pk: unknown = schedulesPk): string {
  checkPk(pk)
  // 4 bytes for the partition of the times when schedules are due.
  return shortText(pk, 'pk', 2044)
}

/** Throws `InvalidInput` for what no schedule can be. */
export function definitionOf<T>(
  runtime: Runtime,
  input: ScheduleInput,
  message: ScheduledMessage<T>,
): Definition<T> {
  if (typeof input !== 'object' || input === null)
    throw new InvalidInput('schedule', 'must be an object with name and cron or everyMs', {
      given: input === null ? 'null' : typeof input,
    })
  checkInput(input)
  const { missed = 'one', missedLimit = 100, graceSeconds = 60 } = input
  if (missed !== 'skip' && missed !== 'one' && missed !== 'all')
    throw new InvalidInput('missed', "must be 'skip', 'one' or 'all'")
  if (input.missedLimit !== undefined && missed !== 'all')
    throw new InvalidInput('missedLimit', "is for missed: 'all'")
  const definition: Definition<T> = {
    ...timingFields(input),
    ...boundsOf(input),
    missed,
    missedLimit: wholeNumber(missedLimit, 'missedLimit', { min: 1, max: 1000 }),
    graceSeconds: seconds(graceSeconds, 'graceSeconds'),
    message,
  }
  checkMessage(runtime, message)
  return definition
}

function timingFields({ cron, everyMs, timezone }: ScheduleInput): Partial<Definition> {
  if ((cron === undefined) === (everyMs === undefined))
    throw new InvalidInput('schedule', 'must have either cron or everyMs')
  if (cron !== undefined) return checkCron(cron, timezone)
  if (timezone !== undefined) throw new InvalidInput('timezone', 'is for cron: everyMs counts on in any zone')
  // A year is more than any interval that is not better said by cron.
  return { everyMs: wholeNumber(everyMs, 'everyMs', { min: leastEveryMs, max: 366 * 86_400_000 }) }
}

function boundsOf({ startAt, endAt }: ScheduleInput): Partial<Definition> {
  const start = startAt === undefined ? undefined : timeOf(startAt, 'startAt')
  const end = endAt === undefined ? undefined : timeOf(endAt, 'endAt')
  if (start !== undefined && end !== undefined && end < start)
    throw new InvalidInput('endAt', 'must not be before startAt')
  return { ...(start !== undefined && { startAt: start }), ...(end !== undefined && { endAt: end }) }
}

/** The largest time that a Date can be. */
const lastTime = 8.64e15

function timeOf(value: unknown, field: string): number {
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= 0 && time <= lastTime) return time
  throw new InvalidInput(field, 'must be a valid Date, or whole milliseconds since 1970', {
    given: typeof time === 'number' ? String(time) : typeof time,
  })
}

function checkMessage(runtime: Runtime, message: ScheduledMessage): void {
  if (typeof message !== 'object' || message === null)
    throw new InvalidInput('message', 'must be an object with pk, the queue', {
      given: message === null ? 'null' : typeof message,
    })
  for (const [name, why] of Object.entries(ofEachMessage))
    if ((message as unknown as Record<string, unknown>)[name] !== undefined)
      throw new InvalidInput(`message.${name}`, `is not for schedules: ${why}`)
  const { shards, tickField, data } = message
  if (shards !== undefined) checkShards(shards, 'message.shards')
  if (tickField !== undefined) {
    shortText(tickField, 'message.tickField', 255)
    const isPlain = data === undefined || Object.getPrototypeOf(Object(data)) === Object.prototype
    if (!isPlain) throw new InvalidInput('message.tickField', 'needs data that is an object')
  }
  // By the rules of a push, before anything is sent.
  checkRoom(rowOf(runtime, message), 'message')
}

const rowOf = (runtime: Runtime, message: ScheduledMessage) =>
  newMessage({ runtime, ulid: ulidSource(runtime) }, messageOf(message, '', 0), 'message').row

/** Messages that one transaction has room for, beside the rows of the schedule: of 100 rows and 4 MB. */
export function messagesAtOnce(runtime: Runtime, message: ScheduledMessage): number {
  const bytes = rowBytes(rowOf(runtime, message)) + 100
  return Math.max(1, Math.min(90, Math.floor(3_000_000 / bytes)))
}

/** What a tick pushes, but for when it is given out. */
export function messageOf(message: ScheduledMessage, name: string, tick: number): AtomicDbQueueItemInput {
  const { shards, tickField, ...rest } = message
  const data = tickField === undefined ? rest.data : { ...(rest.data as object), [tickField]: tick }
  const by = rest.group ?? `${name}#${tick}`
  const pk = shards === undefined ? rest.pk : shardOf(rest.pk, shards, by)
  return { ...rest, pk, ...(data !== undefined && { data }) }
}
