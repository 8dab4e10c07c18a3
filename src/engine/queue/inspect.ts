import type {
  AtomicDbQueueItem,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueueShards,
  AtomicDbQueueStats,
  AtomicDbQueueStatsOptions,
} from '../../interface.ts'
import { wholeNumber } from '../../model/checks.ts'
import { isLive } from '../../model/expiry.ts'
import { checkPk, checkSk } from '../../model/keys.ts'
import { isMessage, type MessageRow, toMessage } from '../../model/message-row.ts'
import { shardsOf } from '../../model/shards.ts'
import type { Page } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange, writeRows } from '../requests.ts'
import { inSlices } from '../slices.ts'
import { deadLetterOf } from './dead-letters.ts'
import { bySk } from './order.ts'
import { dropPayloads, fetchPayloads, payloadKeyOf } from './payload.ts'

/** Pages of the live messages of a queue. */
async function* messages(
  context: Context,
  pk: string,
  after?: string,
  limit?: number,
): AsyncGenerator<MessageRow[]> {
  let from = after
  do {
    const page: Page = await readRange(context, { pk, after: from, limit })
    const now = nowSeconds(context)
    yield page.rows.filter(isMessage).filter((row) => isLive(row, now))
    from = page.next
  } while (from !== undefined)
}

const partsOf = (pk: string, { shards }: AtomicDbQueueShards): string[] =>
  shards === undefined ? [pk] : shardsOf(pk, shards)

async function* messagesOfAll(context: Context, queues: readonly string[]): AsyncGenerator<MessageRow[]> {
  for (const pk of queues) yield* messages(context, pk)
}

/** The age since it could be received first. Of one that was received, the end of its delay is not known any more. */
function ageSeconds(row: MessageRow, message: AtomicDbQueueItem, now: number): number {
  const available =
    message.receiveCount > 0 ? message.firstReceivedAt : Math.max(row.due ?? 0, message.enqueuedAt)
  return Math.max(0, Math.floor((now - (available ?? message.enqueuedAt)) / 1000))
}

export async function stats(
  context: Context,
  pk: string,
  options: AtomicDbQueueStatsOptions = {},
): Promise<AtomicDbQueueStats> {
  checkPk(pk)
  const deadLetter = deadLetterOf(pk, options.deadLetter)
  const result: AtomicDbQueueStats = { ready: 0, inFlight: 0, delayed: 0, dead: 0, oldestAgeSeconds: 0 }
  for await (const rows of messagesOfAll(context, partsOf(pk, options))) {
    const now = context.runtime.now()
    for (const row of rows) {
      const message = toMessage(row, now)
      if (message.isProcessing) result.inFlight++
      else if (row.due !== undefined && row.due > now) result.delayed++
      else result.ready++
      result.oldestAgeSeconds = Math.max(result.oldestAgeSeconds, ageSeconds(row, message, now))
    }
  }
  for await (const rows of messages(context, deadLetter)) result.dead += rows.length
  return result
}

export async function peek<T>(
  context: Context,
  options: AtomicDbQueuePeekOptions,
): Promise<AtomicDbQueueItem<T>[]> {
  checkPk(options?.pk)
  const limit = options.limit ?? 10
  wholeNumber(limit, 'limit', { min: 1 })
  if (options.after !== undefined) checkSk(options.after, 'after')
  const found: MessageRow[] = []
  for (const pk of partsOf(options.pk, options)) {
    const enough = found.length + limit
    for await (const rows of messages(context, pk, options.after, Math.min(1000, limit))) {
      found.push(...rows.slice(0, enough - found.length))
      if (found.length >= enough) break
    }
  }
  if (options.shards !== undefined) found.sort(bySk)
  const first = found.slice(0, limit)
  await fetchPayloads(context, first)
  return first.map((row) => toMessage<T>(row, context.runtime.now()))
}

export async function purge(
  context: Context,
  pk: string,
  options: AtomicDbQueuePurgeOptions = {},
): Promise<number> {
  checkPk(pk)
  if (options.limit !== undefined) wholeNumber(options.limit, 'limit', { min: 1 })
  const { limit = Number.POSITIVE_INFINITY } = options
  const atOnce = options.limit === undefined ? undefined : Math.min(1000, options.limit)
  return inSlices(context, async (did) => {
    let count = 0
    for (const part of partsOf(pk, options)) {
      for await (const found of messages(context, part, undefined, atOnce)) {
        const rows = found.slice(0, limit - count)
        await writeRows(
          context,
          rows.map((row) => ({ delete: { pk: row.pk, sk: row.sk } })),
        )
        did(rows.length)
        await dropPayloads(context, rows.map(payloadKeyOf))
        count += rows.length
        if (count >= limit) return count
      }
    }
    return count
  })
}
