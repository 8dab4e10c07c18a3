import type { AtomicDbItem, AtomicDbPage, AtomicDbPageQuery } from '../../interface.ts'
import { toRange } from '../../model/range.ts'
import type { Context } from '../context.ts'
import { pages } from '../items.ts'
import { fromCursor, toCursor } from './cursor.ts'

const defaultLimit = 100

/** One part of a query. One live item is read ahead, so that the last part has no cursor. */
export async function page<T>(context: Context, given: AtomicDbPageQuery): Promise<AtomicDbPage<T>> {
  // Everything else is checked first: the cursor is compared with a query that is right.
  toRange(given)
  const { cursor, limit = defaultLimit, ...query } = given
  const after = cursor === undefined ? undefined : fromCursor(given, cursor, context.cursorSecret)
  const range = toRange({ ...query, after })
  const found: AtomicDbItem<T>[] = []
  for await (const items of pages<T>(context, { ...query, limit: limit + 1 }, range)) found.push(...items)
  if (found.length <= limit) return { items: found }
  const items = found.slice(0, limit)
  return { items, cursor: toCursor(given, items.at(-1)!.sk, context.cursorSecret) }
}
