import type {
  AtomicDbQueueItem,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from '../../interface.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import type { Pull } from './claim.ts'
import { deadLetterOf } from './dead.ts'
import { checkCount, checkSeconds, checkText, toMessage } from './messages.ts'
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
    if (mine.rows.length === 0 || options.signal?.aborted) throw error
  }
  const now = context.runtime.now()
  const items = mine.rows.map((row) => toMessage<T>(row, now))
  if (items.length > 1) items.sort((a, b) => (isBeyond(a.sk, b.sk) ? 1 : -1))
  return { items }
}
