import type { Condition } from '../conditions.ts'
import { type Conflict, InvalidInput } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbOperation,
  TransactResult,
} from '../interface.ts'
import { suggestion } from '../model/checks.ts'
import { checkOperationNames, operationTypes } from '../model/item-names.ts'
import type { Guard, Row, RowOperation } from '../storage.ts'
import { toChanges } from './changes.ts'
import { both, free, isLive, live, toGuard } from './conditions.ts'
import { type Context, nowSeconds } from './context.ts'
import { holds } from './evaluate.ts'
import { checkExpressions } from './expression-limits.ts'
import { checkKey } from './keys.ts'
import { checkLock, lockLifeSeconds, unchanged } from './locks.ts'
import { firstTry, nextTry, notLock, type Wanted } from './plan.ts'
import { acknowledgeOperation, checkRoom, type NewMessage, newMessage } from './queue/messages.ts'
import { fromItem, isItem } from './rows.ts'

/** The parts of a transaction: what each operation becomes, row by row. */

/** One row of a transaction. */
export interface Part {
  /** The caller's operation that it stands for. */
  index: number
  key: AtomicDbItemKey
  reason: Conflict['reason']
  /** The caller's `if`. */
  condition?: Condition
  /** What it puts, where that is known beforehand. */
  row?: Row
  /** The row that lets the transaction happen once only, whatever else changes. */
  marker?: true
  first(now: number): RowOperation
  /** The operation for the row that failed the guard; 'unmet' when there is no other than to fail. */
  next(row: Row | undefined, now: number): RowOperation | 'unmet'
}

export const unmet = () => 'unmet' as const
export const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

export const fixed = (
  index: number,
  key: AtomicDbItemKey,
  reason: Conflict['reason'],
  first: Part['first'],
): Part => ({ index, key: plain(key), reason, first, next: unmet })

const putPart = (
  index: number,
  row: Row,
  reason: Conflict['reason'],
  guard: (now: number) => Guard | undefined,
): Part => ({
  ...fixed(index, row, reason, (now) => ({ op: 'put', row, guard: guard(now) })),
  row,
})

export function updatePart(index: number, wanted: Wanted, reason: Conflict['reason']): Part {
  return {
    index,
    key: wanted.key,
    reason,
    first: (now) => firstTry(wanted, now),
    next: (row, now) => nextTry(wanted, row, now),
  }
}

export function setPart(index: number, item: AtomicDbItemInput, field: string, condition?: Condition): Part {
  const row = fromItem(item, field)
  if (condition === undefined) return putPart(index, row, 'condition', () => undefined)
  const guard = toGuard(condition, field.replace(/item$/, 'if'))
  checkExpressions(guard, [])
  return {
    index,
    key: plain(row),
    reason: 'condition',
    condition,
    row,
    first: (now) => ({ op: 'put', row, guard: both(live(now), guard) }),
    next: (found, now) => {
      const item = isLive(found, now) ? found : undefined
      return holds(guard, item)
        ? { op: 'put', row, guard: item ? both(live(now), guard) : free(now) }
        : 'unmet'
    },
  }
}

/** A bump and the lock that it makes. */
export function bumpPart(
  context: Context,
  index: number,
  lock: AtomicDbItemLock,
  field: string,
): { part: Part; bumped: AtomicDbItemLock } {
  checkLock(lock, field)
  const bumped = {
    pk: lock.pk,
    sk: lock.sk,
    version: context.ulid(),
    ttl: nowSeconds(context) + lockLifeSeconds,
  }
  const part = fixed(index, lock, 'lock', (now) => ({
    op: 'update',
    key: plain(lock),
    changes: [
      { op: 'set', path: ['version'], value: bumped.version },
      { op: 'set', path: ['ttl'], value: bumped.ttl },
    ],
    guard: unchanged(lock, now),
  }))
  return { part, bumped }
}

/** No item there: nothing, one that has expired, or a lock. */
const noItem = (now: number): Guard => ({
  op: 'or',
  of: [{ op: 'absent', path: ['pk'] }, { op: 'exists', path: ['version'] }, free(now)],
})

function checkPart(
  index: number,
  operation: Extract<AtomicDbOperation, { type: 'check'; key: AtomicDbItemKey }>,
  field: string,
): Part {
  checkKey(operation.key, `${field}.key`)
  const key = plain(operation.key)
  const guard = toGuard(operation.if, `${field}.if`)
  checkExpressions(guard, [])
  const check = (guard: Guard): RowOperation => ({ op: 'check', key, guard })
  const ofItem = (now: number) => check(both(live(now), notLock, guard))
  // Which of the two it is only the row tells; a condition that needs no item is tried without one first.
  const ofNone = (now: number) => check(noItem(now))
  return {
    index,
    key,
    reason: 'condition',
    condition: operation.if,
    first: holds(guard, undefined) ? ofNone : ofItem,
    next: (row, now) => {
      const item = isItem(row, now) ? row : undefined
      if (!holds(guard, item)) return 'unmet'
      return item ? ofItem(now) : ofNone(now)
    },
  }
}

/** A new version for whoever has read the lock. Where an item lies there is no lock, and nobody who has read one. */
function blindBumpPart(context: Context, index: number, given: AtomicDbItemKey, field: string): Part {
  checkKey(given, `${field}.key`)
  const key = plain(given)
  const version = context.ulid()
  const isItemThere: Guard = both({ op: 'exists', path: ['pk'] }, notLock)
  return {
    index,
    key,
    reason: 'conflict',
    first: (now) => ({ op: 'put', row: { ...key, version, ttl: now + lockLifeSeconds }, guard: noItem(now) }),
    next: (row, now) =>
      isItem(row, now)
        ? { op: 'check', key, guard: both(live(now), isItemThere) }
        : { op: 'put', row: { ...key, version, ttl: now + lockLifeSeconds }, guard: noItem(now) },
  }
}

/** The part that an operation stands for; what it will make is noted in `result`. */
export function toPart(
  context: Context,
  operation: AtomicDbOperation,
  index: number,
  result: TransactResult,
): Part {
  const field = `operations[${index}]`
  if (typeof operation !== 'object' || operation === null)
    throw new InvalidInput(field, 'must be an object with type', { given: typeof operation })
  if (!operationTypes.includes(operation.type))
    throw new InvalidInput(
      `${field}.type`,
      `is not known: ${suggestion(String((operation as { type: unknown }).type), operationTypes)}`,
    )
  checkOperationNames(operation, field)
  switch (operation.type) {
    case 'check': {
      if ('key' in operation) return checkPart(index, operation, field)
      const { lock } = operation
      checkLock(lock, `${field}.lock`)
      result.locks.push({ ...plain(lock), version: lock.version, ttl: lock.ttl })
      return fixed(index, lock, 'lock', (now) => ({
        op: 'check',
        key: plain(lock),
        guard: unchanged(lock, now),
      }))
    }
    case 'bump': {
      if ('key' in operation) return blindBumpPart(context, index, operation.key, field)
      const { part, bumped } = bumpPart(context, index, operation.lock, `${field}.lock`)
      result.locks.push(bumped)
      return part
    }
    case 'set':
      return setPart(index, operation.item, `${field}.item`, operation.if)
    case 'setIfAbsent': {
      const row = fromItem(operation.item, `${field}.item`)
      return putPart(index, row, 'exists', free)
    }
    case 'delete':
    case 'update': {
      checkKey(operation.key, `${field}.key`)
      const key = plain(operation.key)
      if (operation.type === 'delete' && operation.if === undefined)
        return fixed(index, key, 'condition', () => ({ op: 'delete', key }))
      const changes =
        operation.type === 'delete' ? 'delete' : toChanges(operation.changes, `${field}.changes`)
      const guard = operation.if === undefined ? undefined : toGuard(operation.if, `${field}.if`)
      const part = updatePart(index, { key, changes, guard, writeId: undefined }, 'condition')
      return operation.if === undefined ? part : { ...part, condition: operation.if }
    }
    case 'queuePush': {
      if (operation.item?.deduplicationId !== undefined)
        throw new InvalidInput(`${field}.item.deduplicationId`, 'is for queuePush: here, use idempotencyKey')
      const message: NewMessage = newMessage(context, operation.item, `${field}.item`)
      checkRoom(message.row, `${field}.item`)
      result.pushed.push(message.item)
      return putPart(index, message.row, 'exists', free)
    }
    case 'queueAcknowledge': {
      checkKey(operation.item, `${field}.item`)
      const acknowledge = acknowledgeOperation(operation.item)
      return fixed(index, operation.item, 'receipt', () => acknowledge)
    }
  }
}
