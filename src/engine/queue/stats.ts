import type { AtomicDbQueueItem, AtomicDbQueueStats, AtomicDbQueueStatsOptions } from '../../interface.ts'
import { wholeNumber } from '../../model/checks.ts'
import { isLive } from '../../model/expiry.ts'
import { controlSk, isScheduledName } from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { isMessage, isUlid, type MessageRow, toMessage } from '../../model/message-row.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange } from '../requests.ts'
import { deadLetterOf } from './dead-letters.ts'
import { partsOf } from './inspect.ts'

/** How many rows of a queue are counted at most, unless the caller says otherwise. */
const defaultLimit = 500
/** Of a shard, of dead letters and of what is due later at least so many rows are read, and a part of the limit. */
const leastRows = 10
const part = 1 / 5

/** What was read of one partition. */
interface Read {
  rows: MessageRow[]
  /** There is more. */
  isCut: boolean
  /** The last key that was read. */
  end: string | undefined
}

/** Up to so many rows of a partition, and no more than 1 MB where there is a limit. */
async function readUpTo(context: Context, pk: string, limit: number, consistent: boolean): Promise<Read> {
  const read: Read = { rows: [], isCut: false, end: undefined }
  let after: string | undefined
  for (let left = limit; ; ) {
    const page = await readRange(
      context,
      { pk, after, ...(left < Number.POSITIVE_INFINITY && { limit: left }) },
      consistent,
    )
    const now = nowSeconds(context)
    read.rows.push(...page.rows.filter(isMessage).filter((row) => isLive(row, now)))
    left -= page.rows.length
    after = page.next
    if (after === undefined) return read
    read.end = after
    if (limit === Number.POSITIVE_INFINITY) continue
    read.isCut = page.rows.at(-1)?.sk !== controlSk
    return read
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

function countInto(count: Count, rows: readonly MessageRow[], now: number): void {
  for (const row of rows) {
    const message = toMessage(row, now)
    if (message.isProcessing) count.inFlight++
    else if (row.due !== undefined && row.due > now) {
      count.delayed++
      if (isScheduledName(row.pk)) count.scheduled++
    } else count.ready++
    const at = availableAt(row, message)
    if (at <= now) count.oldestAt = Math.min(count.oldestAt, at)
  }
}

/** Whether nothing behind the rows that were read can be older: their keys are times that only grow. */
const isOldest = (oldestAt: number, { isCut, end }: Read): boolean =>
  !isCut || (end !== undefined && isUlid.test(end) && oldestAt <= timeOf(end))

const timeOf = (sk: string): number => toMessage({ pk: '', sk, n: 0 }, 0).enqueuedAt

export async function stats(
  context: Context,
  pk: string,
  options: AtomicDbQueueStatsOptions = {},
): Promise<AtomicDbQueueStats> {
  checkPk(pk)
  const deadLetter = deadLetterOf(pk, options.deadLetter)
  const { limit = defaultLimit, consistent = true, shards = 1 } = options
  if (limit !== Number.POSITIVE_INFINITY) wholeNumber(limit, 'limit', { min: 1 })
  const least = Math.min(limit, leastRows)
  const count: Count = {
    ready: 0,
    inFlight: 0,
    delayed: 0,
    scheduled: 0,
    dead: 0,
    oldestAgeSeconds: 0,
    atLeast: false,
    oldestIsExact: true,
    oldestAt: Number.POSITIVE_INFINITY,
  }
  const reads: Read[] = []
  for (const partition of partsOf(pk, options)) {
    const share = isScheduledName(partition) ? limit * part : limit / shards
    const read = await readUpTo(context, partition, Math.max(least, Math.ceil(share)), consistent)
    reads.push(read)
    countInto(count, read.rows, context.runtime.now())
  }
  const dead = await readUpTo(context, deadLetter, Math.max(least, Math.ceil(limit * part)), consistent)
  return finished(count, reads, dead, context.runtime.now())
}

function finished(count: Count, reads: readonly Read[], dead: Read, now: number): AtomicDbQueueStats {
  const { oldestAt, ...result } = count
  result.dead = dead.rows.length
  result.atLeast = dead.isCut || reads.some(({ isCut }) => isCut)
  result.oldestIsExact = reads.every((read) => isOldest(oldestAt, read))
  if (oldestAt < now) result.oldestAgeSeconds = Math.floor((now - oldestAt) / 1000)
  return result
}
