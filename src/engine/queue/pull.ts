import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from '../../interface.ts'
import { checkShards, shardOf } from '../../shards.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import type { Pull } from './claim.ts'
import { bury, deadLetterOf } from './dead.ts'
import { checkCount, checkSeconds, checkText, heldBy, toMessage } from './messages.ts'
import { fetchPayloads } from './payload.ts'
import { shardsToVisit } from './shards.ts'
import { strictly } from './strict.ts'
import { isBeyond, viewOf } from './view.ts'
import { freely } from './walk.ts'

export async function pull<T>(
  context: Context,
  options: AtomicDbQueuePullOptions,
): Promise<AtomicDbQueuePullResult<T>> {
  const { items } = await pullMany<T>(context, { ...options, limit: 1 })
  return items[0] ? { item: items[0] } : {}
}

export async function pullMany<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<{ items: AtomicDbQueueItem<T>[] }> {
  if (options?.shards === undefined) return pullOne<T>(context, options)
  checkPk(options.pk)
  checkCount(options.limit, 'limit')
  const { shards, ...rest } = options
  checkShards(shards)
  rest.deadLetter = deadLetterOf(options.pk, options.deadLetter)
  if (options.group !== undefined)
    return pullOne<T>(context, { ...rest, pk: shardOf(options.pk, shards, options.group) })
  const items: AtomicDbQueueItem<T>[] = []
  let failure: unknown
  for (const pk of shardsToVisit(context, options.pk, shards)) {
    try {
      items.push(...(await pullOne<T>(context, { ...rest, pk, limit: options.limit - items.length })).items)
    } catch (error) {
      if (error instanceof InvalidInput || context.call.aborted) throw error
      // One shard that is throttled does not keep back the others.
      failure ??= error
    }
    if (items.length >= options.limit) break
  }
  if (items.length === 0 && failure !== undefined) throw failure
  return { items }
}

async function pullOne<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<{ items: AtomicDbQueueItem<T>[] }> {
  checkPk(options?.pk)
  const seconds = checkSeconds(options.ttlSeconds ?? 300, 'ttlSeconds', 1)
  checkCount(options.limit, 'limit')
  if (options.maxReceives !== undefined) checkCount(options.maxReceives, 'maxReceives')
  if (options.group !== undefined) checkText(options.group, 'group', 128)
  const deadLetter = deadLetterOf(options.pk, options.deadLetter)
  const view = viewOf(context, options.pk)
  const mine: Pull = { context, view, options, seconds, deadLetter, rows: [] }
  try {
    await (options.strict || options.group !== undefined ? strictly(mine) : freely(mine))
  } catch (error) {
    // What is claimed already must not stay invisible because a later page failed.
    if (mine.rows.length === 0 || context.call.aborted) throw error
  }
  await addPayloads(mine)
  const now = context.runtime.now()
  view.emptyUntil = mine.rows.length > 0 ? 0 : context.runtime.monotonic() + 1000
  const items = mine.rows.map((row) => toMessage<T>(row, now))
  if (items.length > 1) items.sort((a, b) => (isBeyond(a.sk, b.sk) ? 1 : -1))
  return { items }
}

/** A message whose payload somebody deleted goes to the dead letters; one that is gone was acknowledged meanwhile. */
async function addPayloads(mine: Pull): Promise<void> {
  const { context, options, deadLetter } = mine
  const lacking = await fetchPayloads(context, mine.rows)
  for (const row of lacking)
    await bury(context, row, deadLetter, options, {
      reason: 'its payload is gone',
      guard: heldBy(row.r as string),
    })
  mine.rows = mine.rows.filter((row) => !lacking.includes(row))
}
