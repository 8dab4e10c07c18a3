import type { AtomicDbQuery } from '../../interface.ts'
import { toRange } from '../../model/range.ts'
import type { Guard } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange } from '../requests.ts'

/** What `isItem` says, for the backend: a row without `ttl`, or with one that is not a number, is live. */
const item = (now: number): Guard => ({
  op: 'and',
  of: [
    { op: 'absent', path: ['version'] },
    { op: 'not', of: { op: 'lte', left: { path: ['ttl'] }, right: { value: now } } },
  ],
})

/** How many items a query would return. The backend counts: a filter costs nothing where every row is read anyway. */
export async function count(context: Context, query: AtomicDbQuery): Promise<number> {
  const range = toRange(query)
  if (!range) return 0
  const { limit: most = Number.POSITIVE_INFINITY, consistent = true } = query
  let { after } = range
  let limit = query.limit
  let total = 0
  while (total < most) {
    const asked = { ...range, after, limit, count: true, only: item(nowSeconds(context)) }
    const page = await readRange(context, asked, consistent)
    total += page.count!
    if (page.next === undefined) break
    after = page.next
    if (limit !== undefined) limit = Math.min(1000, Math.max(most - total, limit * 2))
  }
  return Math.min(total, most)
}
