import { InvalidInput } from '../../errors.ts'
import type { AtomicDbRange, DeleteRangeOptions, DeleteRangeResult } from '../../interface.ts'
import { wholeNumber } from '../../model/checks.ts'
import { checkRange } from '../../model/option-names.ts'
import { toRange } from '../../model/range.ts'
import { isItem } from '../../model/rows.ts'
import type { Range } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRange, writeRows } from '../requests.ts'
import { inSlices } from '../slices.ts'

const sliceRows = 1000

/** Deletes the rows of a range, one page of keys at a time. What was deleted is not met again by the next call. */
export async function deleteRange(
  context: Context,
  given: AtomicDbRange,
  options: DeleteRangeOptions = {},
): Promise<DeleteRangeResult> {
  checkRange(given)
  const range = toRange(given, 'range')
  const { onProgress } = options
  const most =
    options.limit === undefined
      ? Number.POSITIVE_INFINITY
      : wholeNumber(options.limit, 'options.limit', { min: 1 })
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new InvalidInput('options.onProgress', 'must be a function', { given: typeof onProgress })
  return inSlices(context, (did) => deleteSlices(context, range, most, did, onProgress))
}

async function deleteSlices(
  context: Context,
  range: Range | undefined,
  most: number,
  did: (count: number) => void,
  onProgress: DeleteRangeOptions['onProgress'],
): Promise<DeleteRangeResult> {
  let deleted = 0
  let left = most
  let after: string | undefined
  while (range) {
    // One row more than may be deleted tells whether there is more.
    const asked = { ...range, after, limit: Math.min(sliceRows, left + 1), paths: [] }
    const page = await readRange(context, asked)
    const rows = page.rows.slice(0, left)
    const now = nowSeconds(context)
    await writeRows(
      context,
      rows.map(({ pk, sk }) => ({ delete: { pk, sk } })),
    )
    did(rows.length)
    deleted += rows.filter((row) => isItem(row, now)).length
    left -= rows.length
    if (rows.length > 0) onProgress?.({ deleted, sk: rows.at(-1)!.sk })
    if (rows.length < page.rows.length) return { deleted, done: false }
    if (page.next === undefined) break
    after = page.next
  }
  return { deleted, done: true }
}
