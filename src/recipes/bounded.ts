import { anyOf, type Condition } from '../contract/conditions.ts'
import type { Path } from '../contract/paths.ts'
import { InvalidInput, RaceCondition } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { valueAt } from '../model/evaluate.ts'
import { bigintProblem, isNumeric, numberProblem, subtractNumbers } from '../model/numbers.ts'
import { callOptions, ifHints, optionsCheck } from '../model/options-check.ts'
import { parsePath } from '../model/parse-path.ts'
import type { Row } from '../storage.ts'

/** Sums that stay within bounds, exact in decimal: `0.2 + 0.1` is within `max: 0.3`. */

export interface BoundedOptions extends CallOptions {
  /** The result must not be lower. */
  min?: number | bigint
  /** The result must not be higher. */
  max?: number | bigint
  /** A lost reply is never a doubt: twice the write cost and one read more. */
  exactlyOnce?: boolean
}

/** What a bounded change did. */
export interface BoundedResult {
  applied: boolean
  /** The number as it is now: after the change, or the one that did not allow it. */
  value: number | bigint
}

/** Where a clamped number stops. */
export interface ClampOptions extends CallOptions {
  /** A negative amount stops here. */
  min?: number | bigint
  /** A positive amount stops here. */
  max?: number | bigint
}

const checkBounded = /* @__PURE__ */ optionsCheck<BoundedOptions>(() => [
  { ...callOptions, min: true, max: true, exactlyOnce: 'boolean' },
  { ...ifHints, minimum: "use 'min'", maximum: "use 'max'", by: 'the amount is an argument of its own' },
])
const checkClamp = /* @__PURE__ */ optionsCheck<ClampOptions>(() => [
  { ...callOptions, min: true, max: true },
  { ...ifHints, exactlyOnce: 'is not offered here: two requests cannot be one transaction' },
])

/**
 * Adds a signed amount if the result stays within the bounds: stock that is never oversold, seats, budgets.
 * A missing item or field counts as 0. Not applied costs the same 1 WRU, and says what is left.
 * Throws `InvalidInput` where there is something else than a number.
 *
 * ```ts
 * const sold = await addWithin(db, { pk: 'shoes', sk: 'sneaker' }, 'stock', -3, { min: 0 })
 * if (!sold.applied) return `only ${sold.value} left`
 * ```
 */
export async function addWithin(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  path: Path,
  amount: number | bigint,
  options: BoundedOptions = {},
): Promise<BoundedResult> {
  checkDb(db)
  checkBounded(options)
  checkNumbers(amount, options)
  const { min, max, ...rest } = options
  const result = await db.update(
    key,
    { add: [[path, amount]] },
    { ...rest, ...within(path, amount, min, max) },
  )
  return { applied: result.applied, value: numberAt(result.item, path) }
}

function checkNumbers(amount: unknown, { min, max }: BoundedOptions): void {
  checkNumber(amount, 'amount')
  if (min !== undefined) checkNumber(min, 'min')
  if (max !== undefined) checkNumber(max, 'max')
  if (min !== undefined && max !== undefined && min > max)
    throw new InvalidInput('min', 'must not be above max', { given: `${min}, ${max}` })
}

function checkNumber(value: unknown, field: string): asserts value is number | bigint {
  const isSmall = typeof value === 'bigint' && Number.isSafeInteger(Number(value))
  const problem =
    typeof value === 'number'
      ? numberProblem(value)
      : typeof value !== 'bigint'
        ? 'must be a number'
        : isSmall
          ? undefined
          : bigintProblem(value)
  if (problem)
    throw new InvalidInput(field, problem, { given: isNumeric(value) ? String(value) : typeof value })
}

/** A condition has no arithmetic: the bounds of the result are turned into bounds of what is there. */
function within(
  path: Path,
  amount: number | bigint,
  min: number | bigint | undefined,
  max: number | bigint | undefined,
): { if?: Condition } {
  if (min === undefined && max === undefined) return {}
  const tests = {
    ...(min === undefined ? {} : { gte: difference(min, amount) }),
    ...(max === undefined ? {} : { lte: difference(max, amount) }),
  }
  const startsWithin = (min === undefined || amount >= min) && (max === undefined || amount <= max)
  return { if: startsWithin ? anyOf([[path, { exists: false }]], [[path, tests]]) : [[path, tests]] }
}

type Bound = number | bigint

/** What must be there for the sum to be at the bound, to the last digit. */
function difference(bound: number | bigint, amount: number | bigint): Bound {
  const exact = subtractNumbers(bound, amount)
  if (exact === undefined)
    throw new InvalidInput('amount', 'and the bound have more than 38 digits between them', {
      given: `${amount}, ${bound}`,
    })
  // The database also takes the decimals that no JS number shows.
  return exact as Bound
}

function numberAt(item: AtomicDbItem | undefined, path: Path): number | bigint {
  const value = valueAt(item as Row | undefined, ['data', ...parsePath(path, 'path')])
  if (value === undefined) return 0
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw new InvalidInput('path', 'leads to something else than a number', {
    given: value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value,
    keys: item && [{ pk: item.pk, sk: item.sk }],
  })
}

/** Adds within bounds: `increment(db, key, 'seats', 2, { max: 100 })`. */
export const increment = (
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  path: Path,
  by: number | bigint = 1,
  options?: BoundedOptions,
): Promise<BoundedResult> => addWithin(db, key, path, by, options)

/** Subtracts, by default not below 0: `decrement(db, key, 'stock', 3)`. */
export async function decrement(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  path: Path,
  by: number | bigint = 1,
  options?: BoundedOptions,
): Promise<BoundedResult> {
  checkBounded(options)
  checkNumber(by, 'by')
  return addWithin(db, key, path, -by, { ...options, min: options?.min ?? 0 })
}

/**
 * Adds a signed amount and stops at the bound that it would pass: health points, credits, a level that is full.
 * 1 request where the sum stays within, 2 where it is cut off. Throws `InvalidInput` where there is something else
 * than a number, and `RaceCondition` where the number kept changing between the two.
 */
export async function addClamped(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  path: Path,
  amount: number | bigint,
  bounds: ClampOptions,
): Promise<number | bigint> {
  checkDb(db)
  checkClamp(bounds)
  checkNumbers(amount, bounds)
  const { min, max, timeoutMs, ...call } = bounds
  const started = db.runtime.monotonic()
  const options = (): CallOptions =>
    timeoutMs === undefined
      ? call
      : { ...call, timeoutMs: Math.max(1, timeoutMs - (db.runtime.monotonic() - started)) }
  // Only the bound that lies ahead counts: a number that is beyond the other one may come back.
  const rises = amount > 0
  const bound = rises ? max : min
  if (bound === undefined) return (await addWithin(db, key, path, amount, options())).value
  const ahead = rises ? { max: bound } : { min: bound }
  const beyond: Condition = [[path, { [rises ? 'gt' : 'lt']: difference(bound, amount) }]]
  const fromNothing = rises ? amount > bound : amount < bound
  const cut = { set: [[path, bound]] as [Path, unknown][] }
  const cutOff = fromNothing ? anyOf([[path, { exists: false }]], beyond) : beyond
  // Another turn only where somebody moved the number between the two.
  for (let turn = 0; turn < 20; turn++) {
    const added = await addWithin(db, key, path, amount, { ...ahead, ...options() })
    if (added.applied) return added.value
    const stopped = await db.update(key, cut, { ...options(), if: cutOff })
    if (stopped.applied) return numberAt(stopped.item, path)
  }
  throw new RaceCondition('the number kept changing', [{ index: 0, key, reason: 'conflict' }])
}
