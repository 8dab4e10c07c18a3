import type { AtomicDbItemKey } from '../interface.ts'
import {
  leftUndone,
  type Page,
  type Range,
  type Row,
  type RowWrite,
  type Scan,
  type ScanPage,
  StorageFault,
} from '../storage.ts'
import { keyOfWrite, lastOfEach, readBatches, writeBatches } from './batches.ts'
import type { Context } from './context.ts'
import { retried } from './retry.ts'

/** What the engine asks of its storage, within the budget of the call. Reads are strong unless said otherwise. */

/** Rows by distinct keys, in their order, not as of one moment. */
export const readRows = (
  context: Context,
  keys: readonly AtomicDbItemKey[],
  consistent = true,
): Promise<(Row | undefined)[]> =>
  keys.length === 1 ? readOne(context, keys, consistent) : readBatches(context, keys, consistent)

const readOne = (
  context: Context,
  keys: readonly AtomicDbItemKey[],
  consistent: boolean,
): Promise<(Row | undefined)[]> =>
  retried(context, 'read', keys, async () => {
    const rows = await context.storage.read(keys, { consistent, ...context.call.request() })
    if (rows[0] === leftUndone) throw new StorageFault('throttled', 'left undone')
    return rows as (Row | undefined)[]
  })

/** Unconditional writes; of several to one key the last one counts. */
export async function writeRows(context: Context, writes: readonly RowWrite[]): Promise<void> {
  const distinct = lastOfEach(writes)
  if (distinct.length === 1) await writeOne(context, distinct)
  else if (distinct.length > 0) await writeBatches(context, distinct)
}

const writeOne = (context: Context, writes: readonly RowWrite[]): Promise<void> =>
  retried(context, 'idempotent', writes.map(keyOfWrite), async () => {
    const undone = await context.storage.write(writes, context.call.request())
    if (undone.length > 0) throw new StorageFault('throttled', 'left undone')
  })

/** Up to 100 rows by distinct keys as of one moment. */
export const readTogether = (
  context: Context,
  keys: readonly AtomicDbItemKey[],
): Promise<(Row | undefined)[]> =>
  retried(context, 'read', keys, () => context.storage.readTogether(keys, context.call.request()))

/** One page of a partition. */
export const readRange = (context: Context, range: Range, consistent = true): Promise<Page> =>
  retried(context, 'read', [], () => context.storage.page(range, { consistent, ...context.call.request() }))

/** One page of the whole table. */
export const readScan = (context: Context, scan: Scan, consistent = true): Promise<ScanPage> =>
  retried(context, 'read', [], () => context.storage.scan(scan, { consistent, ...context.call.request() }))
