import type { Page } from '../../storage.ts'
import type { Context } from '../context.ts'
import { readRange } from '../requests.ts'

/** A page of the rows of a queue, read strongly. */
export function readPage(
  context: Context,
  pk: string,
  after: string | undefined,
  limit: number | undefined,
): Promise<Page> {
  return readRange(context, { pk, after, limit })
}
