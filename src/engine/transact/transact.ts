import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemLock,
  AtomicDbOperation,
  TransactOptions,
  TransactResult,
} from '../../interface.ts'
import { keyText, showKey } from '../../model/keys.ts'
import { checksOf } from '../../model/last-moment.ts'
import { mostOperationBytes, operationBytes } from '../../model/operation-bytes.ts'
import { asList } from '../../model/rows.ts'
import { type Context, nowSeconds } from '../context.ts'
import { checkedLast } from '../last-moment.ts'
import { commit } from './commit.ts'
import { toConflictError } from './conflicts.ts'
import { idempotencyMarker } from './idempotency.ts'
import type { Committed, OperationSteps, Prepared } from './operation-steps.ts'
import { toSteps } from './operations.ts'
import { bumpStep, type RowStep, setStep } from './row-step.ts'

const maxRows = 100

export async function setAtomic(
  context: Context,
  items: AtomicDbItemInput | readonly AtomicDbItemInput[],
  locks: AtomicDbItemLock | readonly AtomicDbItemLock[],
): Promise<AtomicDbItemLock[]> {
  const itemList = asList(items)
  const lockList = asList(locks)
  if (lockList.length === 0)
    throw new InvalidInput('locks', 'must be at least one lock: without any, use set')
  checkRowCount(
    itemList.length + lockList.length,
    () => `${itemList.length} items and ${lockList.length} locks`,
  )
  const bumps = lockList.map((lock, i) =>
    bumpStep(context, itemList.length + i, lock, Array.isArray(locks) ? `locks[${i}]` : 'lock'),
  )
  const steps = [
    ...itemList.map((item, i) => setStep(i, item, Array.isArray(items) ? `items[${i}]` : 'item')),
    ...bumps.map(({ step }) => step),
  ]
  checkSteps(steps, nowSeconds(context))
  await commitOrThrow(context, steps)
  return bumps.map(({ bumped }) => bumped)
}

const maxBytes = 4 * 1024 * 1024

/** Before each one is looked at. */
function checkRowCount(rows: number, origin: () => string): void {
  if (rows > maxRows)
    throw new InvalidInput('operations', `a transaction can have at most ${maxRows} rows`, {
      limit: maxRows,
      given: `${rows}: ${origin()}`,
    })
}

function checkSteps(steps: readonly RowStep[], now: number): void {
  const seen = new Set<string>()
  for (const step of steps) {
    const text = keyText(step.key)
    if (seen.has(text))
      throw new InvalidInput('operations', `two operations on one row: ${showKey(step.key)}`, {
        keys: [step.key],
      })
    seen.add(text)
  }
  checkTotal(steps, now)
}

/** 4 MB in all, written and compared; a few rows are never that large. */
function checkTotal(steps: readonly RowStep[], now: number): void {
  if (steps.length <= 5) return
  const operations = steps.map((step) => step.first(now))
  const sum = (bytesOf: typeof operationBytes) =>
    operations.reduce((sum, operation) => sum + bytesOf(operation), 0)
  if (sum(mostOperationBytes) <= maxBytes) return
  const bytes = sum(operationBytes)
  if (bytes > maxBytes)
    throw new InvalidInput('operations', 'a transaction can have at most 4 MB, written and compared', {
      limit: maxBytes,
      given: `${bytes} bytes`,
    })
}

export async function transact(
  context: Context,
  known: OperationSteps,
  operations: readonly AtomicDbOperation[],
  options: TransactOptions = {},
  prepared: Prepared = async () => context,
  committed?: Committed,
): Promise<TransactResult> {
  if (!Array.isArray(operations))
    throw new InvalidInput('operations', 'must be an array', { given: typeof operations })
  if (operations.length === 0) throw new InvalidInput('operations', 'is empty')
  const isMarked = options.idempotencyKey !== undefined
  checkRowCount(operations.length + (isMarked ? 1 : 0), () => countByType(operations, isMarked))
  const result: TransactResult = { locks: [], pushed: [] }
  const steps = operations.flatMap((operation, i) => toSteps(context, known, operation, i, result))
  const marker =
    options.idempotencyKey === undefined
      ? undefined
      : idempotencyMarker(options.idempotencyKey, operations, result, operations.length)
  const all = marker ? [...steps, marker.step] : steps
  checkRowCount(all.length, () => {
    const more = steps.length - operations.length
    return `${countByType(operations, isMarked)}, ${more} more for payloads and ids of messages`
  })
  checkSteps(all, nowSeconds(context))
  const ready = checkedLast(await prepared(context, result), checksOf(operations))
  const failures = await commit(ready, all)
  if (failures.length === 0) {
    await committed?.(context, operations, result)
    return result
  }
  const earlier = marker && failures.find((failure) => failure.step === marker.step)
  if (earlier) return marker.replay(earlier.row)
  throw toConflictError(failures, nowSeconds(context))
}

function countByType(operations: readonly AtomicDbOperation[], marked: boolean): string {
  const counts = new Map<string, number>()
  for (const type of operations.map((operation) => operation?.type))
    counts.set(type, (counts.get(type) ?? 0) + 1)
  const listed = [...counts].map(([type, count]) => `${count} ${type}`)
  return [...listed, ...(marked ? ['1 for the idempotencyKey'] : [])].join(', ')
}

async function commitOrThrow(context: Context, steps: readonly RowStep[]): Promise<void> {
  const failures = await commit(context, steps)
  if (failures.length > 0) throw toConflictError(failures, nowSeconds(context))
}
