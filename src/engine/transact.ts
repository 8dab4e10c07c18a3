import { type Conflict, InvalidInput, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemLock,
  AtomicDbOperation,
  CallOptions,
  TransactOptions,
  TransactResult,
} from '../interface.ts'
import { type FailedGuard, type Guard, type Row, type RowOperation, StorageFault } from '../storage.ts'
import { announcePush } from '../wake.ts'
import { toChanges } from './changes.ts'
import { both, free, isLive, live, toGuard } from './conditions.ts'
import { type Context, nowSeconds } from './context.ts'
import { holds } from './evaluate.ts'
import { checkExpressions } from './expression-limits.ts'
import { once } from './idempotency.ts'
import { checkKey, keyText, showKey } from './keys.ts'
import { checkLock, lockLifeSeconds, unchanged } from './locks.ts'
import { firstTry, nextTry, type Wanted } from './plan.ts'
import { acknowledgeOperation, type NewMessage, newMessage } from './queue/messages.ts'
import { type Doubt, retried } from './retry.ts'
import { asList, fromItem, toCurrent } from './rows.ts'
import { rowBytes } from './values.ts'

const maxRows = 100
const maxTurns = 10

/** One row of a transaction. */
export interface Part {
  /** The caller's operation that it stands for. */
  index: number
  key: AtomicDbItemKey
  reason: Conflict['reason']
  /** What it puts, where that is known beforehand. */
  row?: Row
  /** The row that lets the transaction happen once only, whatever else changes. */
  marker?: true
  first(now: number): RowOperation
  /** The operation for the row that failed the guard; 'unmet' when there is no other than to fail. */
  next(row: Row | undefined, now: number): RowOperation | 'unmet'
}

const unmet = () => 'unmet' as const
const plain = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

const fixed = (
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

function setPart(
  index: number,
  item: AtomicDbItemInput,
  field: string,
  condition?: Parameters<typeof toGuard>[0],
): Part {
  const row = fromItem(item, field)
  if (condition === undefined) return putPart(index, row, 'condition', () => undefined)
  const guard = toGuard(condition, field.replace(/item$/, 'if'))
  checkExpressions(guard, [])
  return {
    index,
    key: plain(row),
    reason: 'condition',
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
function bumpPart(
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

export async function setAtomic(
  context: Context,
  items: AtomicDbItemInput | readonly AtomicDbItemInput[],
  locks: AtomicDbItemLock | readonly AtomicDbItemLock[],
  options: CallOptions = {},
): Promise<AtomicDbItemLock[]> {
  const itemList = asList(items)
  const lockList = asList(locks)
  if (lockList.length === 0)
    throw new InvalidInput('locks', 'must be at least one lock: without any, use set')
  const bumps = lockList.map((lock, i) =>
    bumpPart(context, itemList.length + i, lock, Array.isArray(locks) ? `locks[${i}]` : 'lock'),
  )
  const parts = [
    ...itemList.map((item, i) => setPart(i, item, Array.isArray(items) ? `items[${i}]` : 'item')),
    ...bumps.map(({ part }) => part),
  ]
  checkParts(parts, () => `${itemList.length} items and ${lockList.length} locks`)
  await commitOrThrow(context, parts, options)
  return bumps.map(({ bumped }) => bumped)
}

const maxBytes = 4 * 1024 * 1024

function checkParts(parts: readonly Part[], origin: () => string): void {
  checkTotal(parts)
  if (parts.length > maxRows) {
    throw new InvalidInput('operations', `a transaction can have at most ${maxRows} rows`, {
      limit: maxRows,
      given: `${parts.length}: ${origin()}`,
    })
  }
  const seen = new Set<string>()
  for (const part of parts) {
    const text = keyText(part.key)
    if (seen.has(text))
      throw new InvalidInput('operations', `two operations on one row: ${showKey(part.key)}`, {
        keys: [part.key],
      })
    seen.add(text)
  }
}

/** 4 MB in all; only large transactions are worth the counting. */
function checkTotal(parts: readonly Part[]): void {
  if (parts.length <= 10) return
  const bytes = parts.reduce((sum, { row }) => sum + (row ? rowBytes(row) : 0), 0)
  if (bytes > maxBytes)
    throw new InvalidInput('operations', 'a transaction can have at most 4 MB', {
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
  const result: TransactResult = { locks: [], pushed: [] }
  const parts = operations.map((operation, i) => toPart(context, operation, i, result))
  const mark =
    options.idempotencyKey === undefined
      ? undefined
      : once(context, options.idempotencyKey, operations, result, parts.length)
  const all = mark ? [...parts, mark.part] : parts
  checkParts(all, () => countByType(operations, mark !== undefined))
  const failures = await commit(context, all, context.id(), options.signal)
  if (failures.length === 0) {
    for (const { pk } of result.pushed) announcePush(pk)
    return result
  }
  const earlier = mark && failures.find((failure) => failure.part === mark.part)
  if (earlier) return mark.replay(earlier.row)
  throw toRaceCondition(failures, nowSeconds(context))
}

function countByType(operations: readonly AtomicDbOperation[], marked: boolean): string {
  const counts = new Map<string, number>()
  for (const { type } of operations) counts.set(type, (counts.get(type) ?? 0) + 1)
  const listed = [...counts].map(([type, count]) => `${count} ${type}`)
  return [...listed, ...(marked ? ['1 for the idempotencyKey'] : [])].join(', ')
}

function toPart(context: Context, operation: AtomicDbOperation, index: number, result: TransactResult): Part {
  const field = `operations[${index}]`
  if (typeof operation !== 'object' || operation === null)
    throw new InvalidInput(field, 'must be an object with type', { given: typeof operation })
  switch (operation.type) {
    case 'check': {
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
      return updatePart(index, { key, changes, guard, writeId: undefined }, 'condition')
    }
    case 'queuePush': {
      if (operation.item?.deduplicationId !== undefined)
        throw new InvalidInput(`${field}.item.deduplicationId`, 'is for queuePush: here, use idempotencyKey')
      const message: NewMessage = newMessage(context, operation.item, `${field}.item`)
      result.pushed.push(message.item)
      return putPart(index, message.row, 'exists', free)
    }
    case 'queueAcknowledge': {
      checkKey(operation.item, `${field}.item`)
      const acknowledge = acknowledgeOperation(operation.item)
      return fixed(index, operation.item, 'receipt', () => acknowledge)
    }
    default:
      throw new InvalidInput(`${field}.type`, 'is not known', {
        given: String((operation as { type: unknown }).type),
      })
  }
}

interface Failure {
  part: Part
  row: Row | undefined
}

async function commitOrThrow(context: Context, parts: readonly Part[], options: CallOptions): Promise<void> {
  const failures = await commit(context, parts, context.id(), options.signal)
  if (failures.length > 0) throw toRaceCondition(failures, nowSeconds(context))
}

export function toRaceCondition(failures: readonly Failure[], now: number): RaceCondition {
  const conflicts = failures.map(
    ({ part, row }): Conflict => ({
      index: part.index,
      key: part.key,
      reason: part.reason,
      current: toCurrent(row, now),
    }),
  )
  const list = conflicts.slice(0, 5).map(({ key, reason }) => `${showKey(key)} (${reason})`)
  return new RaceCondition(
    `changed by someone else: ${list.join(', ')}${conflicts.length > 5 ? `, and ${conflicts.length - 5} more` : ''}`,
    conflicts,
  )
}

/**
 * Commits all parts, or returns those that failed. A part that failed only because the row was not as supposed is
 * planned anew and the transaction sent again, under a new token since its content is another.
 */
export async function commit(
  context: Context,
  parts: readonly Part[],
  token: string,
  signal: AbortSignal | undefined,
): Promise<Failure[]> {
  const keys = parts.map((part) => part.key)
  const operations = parts.map((part) => part.first(nowSeconds(context)))
  const doubt: Doubt = { unanswered: false }
  let refusals = 0
  for (let turn = 0; turn < maxTurns; turn++) {
    const { failed, refused } = await attempt(
      context,
      parts,
      operations,
      turn === 0 ? token : context.id(),
      signal,
      doubt,
    )
    if (failed.length === 0) return []
    // A try without reply may still arrive. Only what can never hold again makes sure that it will fail too.
    const haunted = doubt.unanswered && !failed.some(({ index }) => failsForGood(parts[index]!))
    if (haunted && !parts.some((part) => part.marker)) throw unsettled(keys)
    const failures: Failure[] = []
    const now = nowSeconds(context)
    for (const { index, row } of failed) {
      const part = parts[index]!
      const next = part.next(row, now)
      if (next === 'unmet') failures.push({ part, row })
      else operations[index] = next
    }
    if (failures.length > 0) {
      if (haunted) throw unsettled(keys)
      return failures
    }
    if (refused && ++refusals > 2) throw refusal(refused, keys)
  }
  throw new RaceCondition(
    'the rows of a transaction kept changing',
    parts.map((part) => ({ index: part.index, key: part.key, reason: part.reason })),
    { attempts: maxTurns },
  )
}

/** Versions and receipts never come back, and a marker stays. */
const failsForGood = (part: Part): boolean =>
  part.marker === true || part.reason === 'lock' || part.reason === 'receipt'

const unsettled = (keys: readonly AtomicDbItemKey[]): OutcomeUnknown =>
  new OutcomeUnknown(
    'a transaction was not answered and its conditions do not hold any more: it was not applied so far, but may still arrive. Read and decide, or try again with an idempotencyKey',
    { keys },
  )

export const refusal = (fault: StorageFault, keys: readonly AtomicDbItemKey[]): InvalidInput =>
  new InvalidInput('input', `refused by the backend: ${fault.message}`, { keys, cause: fault.cause })

async function attempt(
  context: Context,
  parts: readonly Part[],
  operations: readonly RowOperation[],
  token: string,
  signal: AbortSignal | undefined,
  doubt: Doubt,
): Promise<{ failed: FailedGuard[]; refused?: StorageFault }> {
  const keys = parts.map((part) => part.key)
  const send = () => context.storage.transact(operations, token, { signal })
  try {
    return { failed: await retried(context, 'idempotent', keys, signal, send, doubt) }
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'invalid') throw error
    // Refused for its content: the rows tell which change does not fit, and whatever else has failed.
    const rows = await retried(context, 'read', keys, signal, () =>
      context.storage.read(keys, { consistent: true, signal }),
    )
    const failed = parts.flatMap((part, index) => {
      const { guard } = operations[index]!
      return part.next === unmet && (!guard || holds(guard, rows[index])) ? [] : [{ index, row: rows[index] }]
    })
    if (failed.length === 0) throw refusal(error, keys)
    return { failed, refused: error }
  }
}
