import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueFamily,
  AtomicDbQueueItem,
  AtomicDbQueueStats,
  AtomicDbQueueStatsOptions,
} from '../../interface.ts'
import { maxMoment, wholeNumber } from '../../model/checks.ts'
import { isLive } from '../../model/expiry.ts'
import { controlKey, controlSk, isDeadLetterName, isScheduledName, shardName } from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { isMessage, type MessageRow, toMessage } from '../../model/message-row.ts'
import { partOf, timeIn } from '../../model/priorities.ts'
import type { Row } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange, readRows } from '../requests.ts'
import { deadLetterOf } from './dead-letters.ts'
import { familyOf, isFamily, partsOf } from './inspect.ts'
import { isBeyond } from './order.ts'
import { listPointers, pausedUntil } from './pointer-list.ts'

/** How many rows of a queue are counted at most, unless the caller says otherwise. */
const defaultLimit = 500
/** Of a place at least so many rows are read, and of what lies beside the queue. */
const leastRows = 5
const leastBeside = 10
const part = 1 / 5
/** So many shards, or queues of a family, are looked at. */
const mostPlaces = 64

/** What was read of one partition. */
interface Read {
  rows: MessageRow[]
  /** There is more. */
  isCut: boolean
  /** Where reading ended while there was more: once for each priority that was read. */
  ends: string[]
  /** The control row of the queue, where it was read. */
  control: Row | undefined
  /** Whether what was read shows the control row, or that there is none. */
  showsControl: boolean
}

/** Up to so many rows of a partition, and no more than 1 MB where there is a limit. */
async function readUpTo(context: Context, pk: string, limit: number, consistent: boolean): Promise<Read> {
  const read: Read = { rows: [], isCut: false, ends: [], control: undefined, showsControl: true }
  let after: string | undefined
  for (let left = limit; ; ) {
    const page = await readRange(
      context,
      { pk, after, ...(left < Number.POSITIVE_INFINITY && { limit: left }) },
      consistent,
    )
    addRows(context, read, page.rows)
    left -= page.rows.length
    after = page.next
    if (after === undefined) return read
    if (limit === Number.POSITIVE_INFINITY) continue
    read.isCut = page.rows.at(-1)?.sk !== controlSk
    if (read.isCut) Object.assign(read, { ends: [after], showsControl: read.control !== undefined })
    return read
  }
}

function addRows(context: Context, read: Read, rows: readonly Row[]): void {
  const now = nowSeconds(context)
  read.rows.push(...rows.filter(isMessage).filter((row) => isLive(row, now)))
  read.control ??= rows.find(({ sk }) => sk === controlSk)
}

/** So many rows of a priority that begins behind what was read: one, and perhaps the control row. */
const behindRows = 2

/** Messages of a lower priority lie behind all that was read, and can be older: the first of them are read too. */
async function lookBehind(context: Context, pk: string, read: Read, consistent: boolean): Promise<void> {
  const [end] = read.ends
  if (end === undefined || timeIn(end) === undefined) return
  for (const priority of ['normal', 'low'] as const) {
    const { after = '', to } = partOf[priority]
    if (isBeyond(end, after)) continue
    const range = { pk, after, ...(to !== undefined && { to }), limit: behindRows }
    const page = await readRange(context, range, consistent)
    addRows(context, read, page.rows)
    const isAll = page.next === undefined || read.control !== undefined
    if (!isAll) read.ends.push(page.next!)
    else if (priority === 'low') read.showsControl = true
  }
}

/** Since when it can be given out. Of one that was received, the end of its delay is not known any more. */
function availableAt(row: MessageRow, message: AtomicDbQueueItem): number {
  if (message.receiveCount > 0) return message.firstReceivedAt ?? message.enqueuedAt
  return Math.max(row.due ?? 0, message.enqueuedAt)
}

/** What the numbers are made of. */
interface Count extends AtomicDbQueueStats {
  /** When the oldest message that was read became available. */
  oldestAt: number
}

function counted(reads: readonly Read[], now: number): Count {
  const count: Count = {
    ready: 0,
    inFlight: 0,
    delayed: 0,
    scheduled: 0,
    dead: 0,
    oldestAgeSeconds: 0,
    atLeast: false,
    oldestIsExact: true,
    paused: false,
    oldestAt: Number.POSITIVE_INFINITY,
  }
  for (const row of reads.flatMap(({ rows }) => rows)) {
    const message = toMessage(row, now)
    if (message.isProcessing) count.inFlight++
    else if (row.due !== undefined && row.due > now) {
      count.delayed++
      if (isScheduledName(row.pk)) count.scheduled++
    } else count.ready++
    const at = availableAt(row, message)
    if (at <= now) count.oldestAt = Math.min(count.oldestAt, at)
  }
  return count
}

/** Whether nothing that was not read can be older: within a priority, keys are times that only grow. */
const isOldest = (oldestAt: number, { ends }: Read): boolean =>
  ends.every((end) => oldestAt <= (timeIn(end) ?? Number.NEGATIVE_INFINITY))

/** What one reading looks at. */
interface Plan {
  /** Partitions of messages, without what is due later. */
  places: readonly string[]
  /** There are others, which are not looked at. */
  isCut: boolean
  scheduled?: string | undefined
  dead?: string | undefined
  /** Until when it is paused, once that is known; a queue without shards says so in its own partition. */
  paused?: { until: number | undefined }
}

export async function stats(
  context: Context,
  given: string | AtomicDbQueueFamily,
  options: AtomicDbQueueStatsOptions = {},
): Promise<AtomicDbQueueStats> {
  const { limit = defaultLimit, consistent = true } = options
  if (limit !== Number.POSITIVE_INFINITY) wholeNumber(limit, 'limit', { min: 1 })
  const plan = await (isFamily(given) ? ofFamily(context, given, options) : ofQueue(context, given, options))
  const read = (pk: string, share: number, least = leastBeside) =>
    readUpTo(context, pk, Math.max(Math.min(limit, least), Math.ceil(limit * share)), consistent)
  const readOwn = async (pk: string, share: number, least?: number) => {
    const own = await read(pk, share, least)
    await lookBehind(context, pk, own, consistent)
    return own
  }
  const reads: Read[] = []
  for (const place of plan.places) reads.push(await readOwn(place, 1 / plan.places.length, leastRows))
  const until = plan.paused
    ? plan.paused.until
    : await pausedBy(context, plan.places[0]!, reads[0]!, consistent)
  if (plan.scheduled !== undefined) reads.push(await readOwn(plan.scheduled, part))
  const dead = plan.dead === undefined ? undefined : await read(plan.dead, part)
  const count: Count = { ...counted(reads, context.runtime.now()), paused: until !== undefined }
  if (until !== undefined && until !== maxMoment) count.pausedUntil = until
  return finished(count, reads, dead, plan.isCut, context.runtime.now())
}

/** What was read shows the control row mostly; else it is asked for. */
async function pausedBy(
  context: Context,
  pk: string,
  { showsControl, control }: Read,
  consistent: boolean,
): Promise<number | undefined> {
  const row = showsControl ? control : (await readRows(context, [controlKey(pk)], consistent))[0]
  return pausedUntil(context, row)
}

/** The dead letters of a queue of dead letters are its own. */
async function ofQueue(context: Context, pk: string, options: AtomicDbQueueStatsOptions): Promise<Plan> {
  checkPk(pk)
  const { shards, limit, consistent = true, deadLetter } = options
  const isDead = isDeadLetterName(pk) && deadLetter === undefined
  const dead = isDead ? undefined : deadLetterOf(pk, deadLetter)
  const parts = partsOf(pk, options)
  const scheduled = parts.find(isScheduledName)
  const places = parts.filter((name) => !isScheduledName(name))
  if (shards === undefined) return { places, isCut: false, scheduled, dead }
  const listed = await listPointers(context, pk, consistent)
  const others = { scheduled, dead, paused: { until: listed.pausedUntil } }
  if (limit === Number.POSITIVE_INFINITY) return { places, isCut: false, ...others }
  const inUse = listed.places.map((index) => shardName(pk, Number(index)))
  return { ...someOf(context, inUse), ...others }
}

async function ofFamily(
  context: Context,
  given: AtomicDbQueueFamily,
  { consistent = true, limit = defaultLimit, deadLetter, shards }: AtomicDbQueueStatsOptions,
): Promise<Plan> {
  const family = familyOf(given)
  if (shards !== undefined) throw new InvalidInput('shards', 'cannot stand with family')
  const dead = deadLetterOf(family, deadLetter)
  const listed = await listPointers(context, family, consistent, Math.max(limit, mostPlaces))
  const some = limit === Number.POSITIVE_INFINITY ? listed : someOf(context, listed.places)
  const paused = { until: listed.pausedUntil }
  return { places: some.places, isCut: listed.isCut || some.isCut, dead, paused }
}

/** Of many places so many, others at each reading. */
function someOf(context: Context, all: readonly string[]): Pick<Plan, 'places' | 'isCut'> {
  if (all.length <= mostPlaces) return { places: all, isCut: false }
  const first = Math.floor(context.runtime.random() * all.length)
  const places = Array.from({ length: mostPlaces }, (_, i) => all[(first + i) % all.length]!)
  return { places, isCut: true }
}

function finished(
  count: Count,
  reads: readonly Read[],
  dead: Read | undefined,
  isCut: boolean,
  now: number,
): AtomicDbQueueStats {
  const { oldestAt, ...result } = count
  const own = reads.reduce((sum, { rows }) => sum + rows.length, 0)
  result.dead = dead === undefined ? own : dead.rows.length
  result.atLeast = isCut || dead?.isCut === true || reads.some((read) => read.isCut)
  result.oldestIsExact = !isCut && reads.every((read) => isOldest(oldestAt, read))
  if (oldestAt < now) result.oldestAgeSeconds = Math.floor((now - oldestAt) / 1000)
  return result
}
