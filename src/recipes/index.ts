import { absent, anyOf, type Condition } from '../conditions.ts'
import { InvalidInput, RaceCondition } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemInput,
  AtomicDbItemKey,
  CallOptions,
  UpdateResult,
} from '../interface.ts'
import { type Path, parsePath } from '../paths.ts'

/** Small programs over `update` that are worth a name. Each is one request of 1 WRU per KB, unless it says otherwise. */

export interface BoundedOptions extends CallOptions {
  /** The result must not be lower. */
  min?: number
  /** The result must not be higher. */
  max?: number
  /** A lost reply is never a doubt: twice the write cost and one read more. */
  exactlyOnce?: boolean
}

export interface BoundedResult {
  applied: boolean
  /** The number as it is now: after the change, or the one that did not allow it. */
  value: number | bigint
}

/**
 * Adds a signed amount if the result stays within the bounds: stock that is never oversold, seats, budgets.
 * A missing item or field counts as 0. Not applied costs the same 1 WRU, and says what is left.
 *
 * ```ts
 * const sold = await addWithin(db, { pk: 'shoes', sk: 'sneaker' }, 'stock', -3, { min: 0 })
 * if (!sold.applied) return `only ${sold.value} left`
 * ```
 */
export async function addWithin(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  path: Path,
  amount: number,
  options: BoundedOptions = {},
): Promise<BoundedResult> {
  const { min, max, ...rest } = options
  if (min !== undefined && max !== undefined && min > max)
    throw new InvalidInput('min', 'must not be above max', { given: `${min}, ${max}` })
  const result = await db.update(
    key,
    { add: [[path, amount]] },
    { ...rest, ...within(path, amount, min, max) },
  )
  return { applied: result.applied, value: numberAt(result.item, path) }
}

/** A condition has no arithmetic: the bounds of the result are turned into bounds of what is there. */
function within(
  path: Path,
  amount: number,
  min: number | undefined,
  max: number | undefined,
): { if?: Condition } {
  if (min === undefined && max === undefined) return {}
  const tests = {
    ...(min === undefined ? {} : { gte: min - amount }),
    ...(max === undefined ? {} : { lte: max - amount }),
  }
  const startsWithin =
    amount >= (min ?? Number.NEGATIVE_INFINITY) && amount <= (max ?? Number.POSITIVE_INFINITY)
  return { if: startsWithin ? anyOf([[path, { exists: false }]], [[path, tests]]) : [[path, tests]] }
}

function numberAt(item: AtomicDbItem | undefined, path: Path): number | bigint {
  let value: unknown = item?.data
  for (const step of parsePath(path, 'path'))
    value = (value as Record<string | number, unknown> | undefined)?.[step]
  return (value as number | bigint | undefined) ?? 0
}

/** Adds within bounds: `increment(db, key, 'seats', 2, { max: 100 })`. */
export const increment = (
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  path: Path,
  by = 1,
  options?: BoundedOptions,
): Promise<BoundedResult> => addWithin(db, key, path, by, options)

/** Subtracts, by default not below 0: `decrement(db, key, 'stock', 3)`. */
export const decrement = (
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  path: Path,
  by = 1,
  options?: BoundedOptions,
): Promise<BoundedResult> => addWithin(db, key, path, -by, { min: 0, ...options })

/**
 * Adds a signed amount and stops at the bound that it would pass: health points, credits, a level that is full.
 * 1 request where the sum stays within, 2 where it is cut off.
 */
export async function addClamped(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  path: Path,
  amount: number,
  bounds: Pick<BoundedOptions, 'min' | 'max' | 'signal'>,
): Promise<number | bigint> {
  const { min, max, signal } = bounds
  // Only the bound that lies ahead counts: a number that is beyond the other one may come back.
  const bound = amount > 0 ? max : min
  if (bound === undefined) return (await addWithin(db, key, path, amount, { signal })).value
  const beyond: Condition = [[path, amount > 0 ? { gt: bound - amount } : { lt: bound - amount }]]
  const fromNothing = amount > 0 ? amount > bound : amount < bound
  // Another turn only where somebody moved the number between the two.
  for (let turn = 0; turn < 20; turn++) {
    const added = await addWithin(
      db,
      key,
      path,
      amount,
      amount > 0 ? { max: bound, signal } : { min: bound, signal },
    )
    if (added.applied) return added.value
    const cut = await db.update(
      key,
      { set: [[path, bound]] },
      { signal, if: fromNothing ? anyOf([[path, { exists: false }]], beyond) : beyond },
    )
    if (cut.applied) return bound
  }
  throw new RaceCondition('the number kept changing', [{ index: 0, key, reason: 'conflict' }])
}

/**
 * Replaces `data` if it is still what was read (`undefined`: if there is no item). Not applied, `item` is what is
 * there instead. For large data use a lock or a condition on a version field: the whole expected value is sent.
 */
export function compareAndSet<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  expected: T | undefined,
  data: T,
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  const condition = expected === undefined ? absent : { '': { eq: expected } }
  return db.update<unknown>(key, { set: { '': data } }, { ...options, if: condition }) as Promise<
    UpdateResult<T>
  >
}

/** Deletes the item if its `data` is still what was read. */
export function compareAndDelete<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  expected: T,
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  const condition = { '': { eq: expected } }
  return db.update<unknown>(key, { delete: true }, { ...options, if: condition }) as Promise<UpdateResult<T>>
}

/** Writes the item if there is none (an expired one counts as none). Not applied, `item` is the one that is there. */
export function putIfAbsent<T>(
  db: AtomicDbInterface,
  item: AtomicDbItemInput<T> & { data: T },
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  const expiry = item.ttl === undefined ? {} : { ttl: item.ttl }
  return db.update<unknown>(
    item,
    { set: { '': item.data }, ...expiry },
    { ...options, if: absent },
  ) as Promise<UpdateResult<T>>
}

/**
 * Takes the next `size` ids of a sequence: `first` to `last`, nobody else gets them. Starts at 1. A reply that is
 * lost (`OutcomeUnknown`) or a process that dies leaves a gap, never a duplicate: just allocate again.
 * One request per block, so a large block makes ids nearly free.
 */
export async function allocateBlock(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  size: number,
  options: CallOptions = {},
): Promise<{ first: number; last: number }> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new InvalidInput('size', 'must be a whole number from 1', { given: String(size) })
  const { item } = await db.update<number>(key, { add: { '': size } }, options)
  const last = item!.data
  return { first: last - size + 1, last }
}
