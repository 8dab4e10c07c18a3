import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemLock,
  AtomicDbOperation,
  TransactOptions,
  TransactResult,
} from '../interface.ts'
import { announcePush } from '../wake.ts'
import { commit } from './commit.ts'
import { toConflictError } from './conflicts.ts'
import { type Context, nowSeconds } from './context.ts'
import { once } from './idempotency.ts'
import { keyText, showKey } from './keys.ts'
import { operationBytes } from './operation-bytes.ts'
import { bumpPart, type Part, setPart, toPart } from './parts.ts'
import { dropPayloads } from './queue/payload.ts'
import { arrived, departed } from './queue/view.ts'
import { asList } from './rows.ts'

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
  checkCount(itemList.length + lockList.length, () => `${itemList.length} items and ${lockList.length} locks`)
  const bumps = lockList.map((lock, i) =>
    bumpPart(context, itemList.length + i, lock, Array.isArray(locks) ? `locks[${i}]` : 'lock'),
  )
  const parts = [
    ...itemList.map((item, i) => setPart(i, item, Array.isArray(items) ? `items[${i}]` : 'item')),
    ...bumps.map(({ part }) => part),
  ]
  checkParts(parts, nowSeconds(context))
  await commitOrThrow(context, parts)
  return bumps.map(({ bumped }) => bumped)
}

const maxBytes = 4 * 1024 * 1024

/** Before each one is looked at. */
function checkCount(rows: number, origin: () => string): void {
  if (rows > maxRows)
    throw new InvalidInput('operations', `a transaction can have at most ${maxRows} rows`, {
      limit: maxRows,
      given: `${rows}: ${origin()}`,
    })
}

function checkParts(parts: readonly Part[], now: number): void {
  const seen = new Set<string>()
  for (const part of parts) {
    const text = keyText(part.key)
    if (seen.has(text))
      throw new InvalidInput('operations', `two operations on one row: ${showKey(part.key)}`, {
        keys: [part.key],
      })
    seen.add(text)
  }
  checkTotal(parts, now)
}

/** 4 MB in all, written and compared; a few rows are never that large. */
function checkTotal(parts: readonly Part[], now: number): void {
  if (parts.length <= 5) return
  const bytes = parts.reduce((sum, part) => sum + operationBytes(part.first(now)), 0)
  if (bytes > maxBytes)
    throw new InvalidInput('operations', 'a transaction can have at most 4 MB, written and compared', {
      limit: maxBytes,
      given: `${bytes} bytes`,
    })
}

export async function transact(
  context: Context,
  operations: readonly AtomicDbOperation[],
  options: TransactOptions = {},
): Promise<TransactResult> {
  if (!Array.isArray(operations))
    throw new InvalidInput('operations', 'must be an array', { given: typeof operations })
  if (operations.length === 0) throw new InvalidInput('operations', 'is empty')
  const isMarked = options.idempotencyKey !== undefined
  checkCount(operations.length + (isMarked ? 1 : 0), () => countByType(operations, isMarked))
  const result: TransactResult = { locks: [], pushed: [] }
  const parts = operations.map((operation, i) => toPart(context, operation, i, result))
  const mark =
    options.idempotencyKey === undefined
      ? undefined
      : once(context, options.idempotencyKey, operations, result, parts.length)
  const all = mark ? [...parts, mark.part] : parts
  checkParts(all, nowSeconds(context))
  const failures = await commit(context, all)
  if (failures.length === 0) {
    for (const item of result.pushed) {
      arrived(context, { pk: item.pk, sk: item.sk })
      announcePush(context.runtime, item.pk)
    }
    for (const operation of operations)
      if (operation.type === 'queueAcknowledge') departed(context, operation.item)
    await dropPayloads(
      context,
      operations.map((operation) =>
        operation.type === 'queueAcknowledge' ? operation.item.payloadKey : undefined,
      ),
    )
    return result
  }
  const earlier = mark && failures.find((failure) => failure.part === mark.part)
  if (earlier) return mark.replay(earlier.row)
  throw toConflictError(failures, nowSeconds(context))
}

function countByType(operations: readonly AtomicDbOperation[], marked: boolean): string {
  const counts = new Map<string, number>()
  for (const type of operations.map((operation) => operation?.type))
    counts.set(type, (counts.get(type) ?? 0) + 1)
  const listed = [...counts].map(([type, count]) => `${count} ${type}`)
  return [...listed, ...(marked ? ['1 for the idempotencyKey'] : [])].join(', ')
}

async function commitOrThrow(context: Context, parts: readonly Part[]): Promise<void> {
  const failures = await commit(context, parts)
  if (failures.length > 0) throw toConflictError(failures, nowSeconds(context))
}
