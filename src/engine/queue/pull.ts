import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullManyResult,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from '../../interface.ts'
import { checkShards, shardOf } from '../../shards.ts'
import type { Row } from '../../storage.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import type { Pull } from './claim.ts'
import { bury, deadLetterOf } from './dead.ts'
import { giveBack } from './hold.ts'
import { checkCount, checkSeconds, checkText, heldBy, toMessage } from './messages.ts'
import { fetchPayloads, payloadKeyOf } from './payload.ts'
import { shardsToVisit } from './shards.ts'
import { strictly } from './strict.ts'
import { isBeyond, viewOf } from './view.ts'
import { freely } from './walk.ts'

export async function pull<T>(
  context: Context,
  options: AtomicDbQueuePullOptions,
): Promise<AtomicDbQueuePullResult<T>> {
  const { items, dead } = await pullMany<T>(context, { ...options, limit: 1 })
  return { ...(items[0] && { item: items[0] }), ...(dead && { dead }) }
}

export async function pullMany<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<AtomicDbQueuePullManyResult<T>> {
  checkPk(options?.pk)
  checkCount(options.limit, 'limit')
  if (options.shards === undefined) return pullOne<T>(context, options)
  const { shards, ...rest } = options
  checkShards(shards)
  rest.deadLetter = deadLetterOf(options.pk, options.deadLetter)
  if (options.group !== undefined)
    return pullOne<T>(context, { ...rest, pk: shardOf(options.pk, shards, options.group) })
  const items: AtomicDbQueueItem<T>[] = []
  const dead: AtomicDbQueueItem<T>[] = []
  let failure: unknown
  for (const pk of shardsToVisit(context, options.pk, shards)) {
    try {
      const found = await pullOne<T>(context, { ...rest, pk, limit: options.limit - items.length })
      items.push(...found.items)
      dead.push(...(found.dead ?? []))
    } catch (error) {
      if (error instanceof InvalidInput) throw error
      // One shard that is throttled does not keep back the others.
      failure ??= error
    }
    // What is claimed already is handed out, also when the caller has given up.
    if (items.length >= options.limit || context.call.signal?.aborted) break
  }
  if (items.length === 0 && failure !== undefined) throw failure
  return { items, ...(dead.length > 0 && { dead }) }
}

async function pullOne<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<AtomicDbQueuePullManyResult<T>> {
  const seconds = checkSeconds(options.ttlSeconds ?? 300, 'ttlSeconds', 1)
  if (options.maxReceives !== undefined) checkCount(options.maxReceives, 'maxReceives')
  if (options.group !== undefined) checkText(options.group, 'group', 128)
  const deadLetter = deadLetterOf(options.pk, options.deadLetter)
  const view = viewOf(context, options.pk)
  const mine: Pull = { context, view, options, seconds, deadLetter, rows: [], dead: [] }
  try {
    await (options.strict || options.group !== undefined ? strictly(mine) : freely(mine))
  } catch (error) {
    // What is claimed already must not stay invisible because a later page failed, or the caller gave up.
    if (mine.rows.length === 0) throw error
  }
  await addPayloads(mine)
  const now = context.runtime.now()
  view.emptyUntil = mine.rows.length > 0 ? 0 : context.runtime.monotonic() + 1000
  const items = mine.rows.map((row) => toMessage<T>(row, now))
  if (items.length > 1) items.sort((a, b) => (isBeyond(a.sk, b.sk) ? 1 : -1))
  const dead = mine.dead.map((row) => toMessage<T>(row, now))
  return { items, ...(dead.length > 0 && { dead }) }
}

/** A message whose payload cannot be read at the moment comes back after so long, seconds. */
const unreadableSeconds = 5

/** A message whose payload somebody deleted goes to the dead letters; one that is gone was acknowledged meanwhile. */
async function addPayloads(mine: Pull): Promise<void> {
  const { context, deadLetter } = mine
  let lacking: Row[]
  try {
    lacking = await fetchPayloads(context, mine.rows)
  } catch (error) {
    await giveBackLarge(mine)
    if (mine.rows.length === 0) throw error
    return
  }
  for (const row of lacking) {
    const guard = heldBy(row.r as string)
    const letter = await bury(context, row, deadLetter, { reason: 'its payload is gone', guard })
    if (letter) mine.dead.push(letter)
  }
  mine.rows = mine.rows.filter((row) => !lacking.includes(row))
}

/** Nobody has seen them: they do not count as received. Behind what can be read, except where order is strict. */
async function giveBackLarge(mine: Pull): Promise<void> {
  const { context, options } = mine
  const large = mine.rows.filter((row) => payloadKeyOf(row) !== undefined)
  mine.rows = mine.rows.filter((row) => !large.includes(row))
  const delaySeconds = options.strict ? 0 : unreadableSeconds
  const given = Promise.allSettled(large.map((row) => giveBack(context, row, delaySeconds)))
  // A call that has ended does not wait for it.
  if (!context.call.signal?.aborted) await given
}
