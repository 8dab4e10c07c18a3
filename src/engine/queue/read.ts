import type { Page } from '../../storage.ts'
import type { Context } from '../context.ts'
import { retried } from '../retry.ts'

/** A page of the rows of a queue, read strongly. */
export function readPage(
  context: Context,
  pk: string,
  after: string | undefined,
  limit: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const range = { pk, after, limit }
  return retried(context, 'read', [], signal, () => context.storage.page(range, { consistent: true, signal }))
}
