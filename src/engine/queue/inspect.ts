import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueFamily,
  AtomicDbQueueItem,
  AtomicDbQueuePeekOptions,
  AtomicDbQueuePurgeOptions,
  AtomicDbQueueShards,
} from '../../interface.ts'
import { checkOptions, wholeNumber } from '../../model/checks.ts'
import { isLive } from '../../model/expiry.ts'
import { checkFamilyName } from '../../model/families.ts'
import { isDeadLetterName, queueOfShard, scheduledName } from '../../model/key-names.ts'
import { checkPk, checkSk } from '../../model/keys.ts'
import { isMessage, type MessageRow, toMessage } from '../../model/message-row.ts'
import { shardsOf } from '../../model/shards.ts'
import type { Page } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange, readRows, writeRows } from '../requests.ts'
import { inSlices } from '../slices.ts'
import { bySk } from './order.ts'
import { dropPayloads, fetchPayloads, payloadKeyOf } from './payload.ts'
import { listPointers } from './pointer-list.ts'

/** Pages of the live messages of a queue. */
export async function* messages(
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

/** Where the messages of a queue lie: in itself or its shards, and behind them those that are due later. */
export const partsOf = (pk: string, { shards }: AtomicDbQueueShards): string[] => [
  ...(shards === undefined ? [pk] : shardsOf(pk, shards)),
  ...(queueOfShard(pk) === pk && !isDeadLetterName(pk) ? [scheduledName(pk)] : []),
]

export async function peek<T>(
  context: Context,
  options: AtomicDbQueuePeekOptions,
): Promise<AtomicDbQueueItem<T>[]> {
  if (options?.family === undefined) checkPk(options?.pk)
  if (options.sk !== undefined) return peekAt(context, options as typeof options & { pk: string; sk: string })
  const limit = options.limit ?? 10
  wholeNumber(limit, 'limit', { min: 1 })
  if (options.after !== undefined) checkSk(options.after, 'after')
  const found: MessageRow[] = []
  for (const pk of await placesToPeek(context, options, limit)) {
    // What is due later comes last, but for what is due by now.
    const enough = found.length + limit
    for await (const rows of messages(context, pk, options.after, Math.min(1000, limit))) {
      found.push(...rows.slice(0, enough - found.length))
      if (found.length >= enough) break
    }
  }
  found.sort(bySk)
  const first = found.slice(0, limit)
  await fetchPayloads(context, first)
  return first.map((row) => toMessage<T>(row, context.runtime.now()))
}

/** Of a family the first queues: so many that they could have so many messages. */
async function placesToPeek(
  context: Context,
  options: AtomicDbQueuePeekOptions,
  limit: number,
): Promise<readonly string[]> {
  const { pk, family } = options
  if (family === undefined) return partsOf(pk!, options)
  for (const name of ['pk', 'shards', 'after'] as const)
    if (options[name] !== undefined) throw new InvalidInput(name, 'cannot stand with family')
  return (await listPointers(context, familyOf({ family }), true, limit)).places
}

/** The message with that key. */
async function peekAt<T>(
  context: Context,
  options: AtomicDbQueuePeekOptions & { pk: string; sk: string },
): Promise<AtomicDbQueueItem<T>[]> {
  const { pk, sk } = options
  checkSk(sk)
  checkPk(pk)
  for (const name of ['family', 'limit', 'after', 'shards'] as const)
    if (options[name] !== undefined)
      throw new InvalidInput(name, 'cannot stand with sk, which names one message')
  const [row] = await readRows(context, [{ pk, sk }])
  if (!isMessage(row) || !isLive(row, nowSeconds(context))) return []
  await fetchPayloads(context, [row])
  return [toMessage<T>(row, context.runtime.now())]
}

export async function purge(
  context: Context,
  given: string | AtomicDbQueueFamily,
  options: AtomicDbQueuePurgeOptions = {},
): Promise<number> {
  if (options.limit !== undefined) wholeNumber(options.limit, 'limit', { min: 1 })
  const { limit = Number.POSITIVE_INFINITY } = options
  const atOnce = options.limit === undefined ? undefined : Math.min(1000, options.limit)
  return inSlices(context, async (did) => {
    let count = 0
    for (const part of await placesToPurge(context, given, options)) {
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

/** Of a family all queues that have a pointer: no other one has messages. */
async function placesToPurge(
  context: Context,
  given: string | AtomicDbQueueFamily,
  options: AtomicDbQueuePurgeOptions,
): Promise<readonly string[]> {
  if (!isFamily(given)) {
    checkPk(given)
    return partsOf(given, options)
  }
  const family = familyOf(given)
  if (options.shards !== undefined) throw new InvalidInput('shards', 'cannot stand with family')
  return (await listPointers(context, family, true)).places
}

/** Whether a family is given in place of a queue. */
export const isFamily = (given: string | AtomicDbQueueFamily): given is AtomicDbQueueFamily =>
  typeof given === 'object' && given !== null && 'family' in given

/** The name of a family that is given in place of a queue. */
export function familyOf(given: AtomicDbQueueFamily): string {
  checkOptions(given, ['family'], 'pk')
  return checkFamilyName(given.family)
}
