import { PartialWrite } from '../../errors.ts'
import type { OldItem } from '../../interface.ts'
import { change } from '../../model/evaluate.ts'
import { keyText } from '../../model/keys.ts'
import { itemOrNone } from '../../model/rows.ts'
import { clone } from '../../model/values.ts'
import type { Row, RowWrite, SingleOperation } from '../../storage.ts'
import { keyOfWrite, lastOfEach } from '../batches.ts'
import { type Context, nowSeconds } from '../context.ts'
import { type Doubt, retried } from '../retry.ts'

/** What was there before a write. A reply that was lost took it along: the next try would see our own write. */

const requestsAtOnce = 4

export function toOld<T>(row: Row | undefined, now: number): OldItem<T> {
  const item = itemOrNone<T>(row, now)
  return item ? { known: true, item } : { known: true }
}

/** The row that an update made of the old one, where the backend returned that. */
export function rowAfter(operation: SingleOperation, old: Row | undefined): Row | undefined {
  if (operation.op === 'put') return clone(operation.row)
  if (operation.op !== 'update') return undefined
  return clone(change(old ?? { ...operation.key }, operation.changes))
}

async function writeOne<T>(context: Context, write: RowWrite): Promise<OldItem<T>> {
  const doubt: Doubt = { unanswered: false }
  const operation: SingleOperation =
    'put' in write ? { op: 'put', row: write.put, old: true } : { op: 'delete', key: write.delete, old: true }
  const { old } = await retried(
    context,
    'idempotent',
    [keyOfWrite(write)],
    () => context.storage.apply(operation, context.call.request()),
    doubt,
  )
  return doubt.unanswered ? { known: false } : toOld<T>(old, nowSeconds(context))
}

/** Unconditional writes, each a request of its own; in their order, what was there. */
export async function writeForOld<T>(context: Context, writes: readonly RowWrite[]): Promise<OldItem<T>[]> {
  const found = new Map<string, OldItem<T>>()
  const pending = lastOfEach(writes).slice()
  const count = pending.length
  let failure: { error: unknown } | undefined
  const work = async () => {
    for (let one = pending.shift(); one && !failure; one = pending.shift()) {
      try {
        found.set(keyText(keyOfWrite(one)), await writeOne<T>(context, one))
      } catch (error) {
        failure ??= { error }
        return
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(requestsAtOnce, count) }, work))
  if (!failure) return writes.map((write) => found.get(keyText(keyOfWrite(write)))!)
  if (count === 1) throw failure.error
  const undone = writes.filter((write) => !found.has(keyText(keyOfWrite(write))))
  const keys = undone.map(keyOfWrite).map(({ pk, sk }) => ({ pk, sk }))
  throw new PartialWrite(
    `${keys.length} of ${writes.length} rows were not (certainly) written: write those in 'keys' again`,
    { keys, cause: failure.error },
  )
}
