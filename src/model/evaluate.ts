import type { Guard, Operand, Row, RowChange, RowPath } from '../storage.ts'
import { addNumbers, isNumeric } from './numbers.ts'
import { compareValues, equals, hasMember, typeName } from './values.ts'
import { exactRow } from './wire.ts'

/** The rules of DynamoDB's expressions in plain code: the twin runs on them, and the engine plans with them. */

/** A change does not fit the row: which, and why. */
export class Misfit extends Error {
  readonly path: RowPath
  constructor(path: RowPath, problem: string) {
    super(problem)
    this.path = path
  }
}

export function valueAt(row: Row | undefined, path: RowPath): unknown {
  let value: unknown = row
  for (const step of path) value = stepInto(value, step)
  return value
}

function stepInto(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined
  if (Array.isArray(value) || value instanceof Set || value instanceof Uint8Array) return undefined
  return Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined
}

function operand(row: Row | undefined, of: Operand): unknown {
  if ('value' in of) return of.value
  if ('path' in of) return valueAt(row, of.path)
  return sizeOf(valueAt(row, of.sizeOf))
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.byteLength
  if (Array.isArray(value)) return value.length
  if (value instanceof Set) return value.size
  return typeName(value) === 'M' ? Object.keys(value as object).length : undefined
}

/** Whether the guard holds for this row; `undefined` is no row. */
export const holds = (guard: Guard, row: Row | undefined): boolean => test(guard, row && exactRow(row))

function test(guard: Guard, row: Row | undefined): boolean {
  switch (guard.op) {
    case 'and':
      return guard.of.every((part) => test(part, row))
    case 'or':
      return guard.of.some((part) => test(part, row))
    case 'not':
      return !test(guard.of, row)
    case 'exists':
      return valueAt(row, guard.path) !== undefined
    case 'absent':
      return valueAt(row, guard.path) === undefined
    case 'between': {
      const value = operand(row, guard.left)
      const low = compareValues(value, operand(row, guard.low))
      const high = compareValues(value, operand(row, guard.high))
      return low !== undefined && high !== undefined && low >= 0 && high <= 0
    }
    case 'in': {
      const value = operand(row, guard.left)
      return value !== undefined && guard.values.some((candidate) => equals(value, candidate))
    }
    case 'beginsWith': {
      const value = valueAt(row, guard.path)
      return typeof value === 'string' && typeof guard.value === 'string' && value.startsWith(guard.value)
    }
    case 'contains':
      return contains(valueAt(row, guard.path), guard.value)
    case 'type':
      return typeName(valueAt(row, guard.path)) === guard.type
    default:
      return compare(guard.op, operand(row, guard.left), operand(row, guard.right))
  }
}

function contains(value: unknown, part: unknown): boolean {
  if (typeof value === 'string') return typeof part === 'string' && value.includes(part)
  if (value instanceof Uint8Array)
    return part instanceof Uint8Array && Buffer.from(value).includes(Buffer.from(part))
  if (Array.isArray(value)) return value.some((element) => equals(element, part))
  return value instanceof Set && hasMember(value, part)
}

function compare(op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte', left: unknown, right: unknown): boolean {
  if (op === 'ne') return left === undefined || right === undefined || !equals(left, right)
  if (left === undefined || right === undefined) return false
  if (op === 'eq') return equals(left, right)
  const order = compareValues(left, right)
  if (order === undefined) return false
  return op === 'lt' ? order < 0 : op === 'lte' ? order <= 0 : op === 'gt' ? order > 0 : order >= 0
}

/**
 * The row after the changes; `row` itself stays as it is, the result shares its unchanged parts.
 * Throws `Misfit`. With `grow`, missing parents are made; else they are a misfit, as for DynamoDB.
 */
export function change(row: Row, changes: readonly RowChange[], grow = false): Row {
  const copied = new Set<object>()
  const result = shallow(row, copied) as Row
  // Positions of a list are those before the change. What is set behind the end is appended, the lowest position
  // first; what is removed goes afterwards, the highest position first.
  const byPosition = changes.length > 1 ? changes.toSorted((a, b) => position(a) - position(b)) : changes
  for (const one of byPosition) if (one.op !== 'remove') applyOne(row, result, one, grow, copied)
  for (const one of byPosition.toReversed()) {
    if (one.op !== 'remove') continue
    if (valueAt(row, one.path) === undefined && typeof one.path.at(-1) === 'number')
      checkParent(row, one.path, grow)
    else remove(result, one.path, grow, copied)
  }
  return result
}

function position(change: RowChange): number {
  const last = change.path.at(-1)
  return typeof last === 'number' ? last : -1
}

/** A position that was not there needs no removal, whatever was appended meanwhile; its list must be there. */
function checkParent(row: Row, path: RowPath, grow: boolean): void {
  const parent = path.slice(0, -1)
  if (!(grow && valueAt(row, parent) === undefined)) parentOf({ ...row }, path, grow, new Set())
}

function shallow(value: object, copied: Set<object>): object {
  if (copied.has(value)) return value
  const copy = Array.isArray(value) ? value.slice() : { ...value }
  copied.add(copy)
  return copy
}

function applyOne(
  before: Row,
  result: Row,
  one: Exclude<RowChange, { op: 'remove' }>,
  grow: boolean,
  copied: Set<object>,
): void {
  const current = valueAt(before, one.path)
  let value: unknown
  switch (one.op) {
    case 'set':
      value = one.value
      break
    case 'setIfAbsent':
      value = current === undefined ? one.value : current
      break
    case 'add': {
      if (current !== undefined && !isNumeric(current)) throw misfit(one.path, 'add needs a number', current)
      value = addNumbers((current as number | undefined) ?? 0, one.value)
      if (value === undefined)
        throw new Misfit(one.path, 'the sum has more than 38 digits or is out of range')
      break
    }
    case 'append':
    case 'prepend':
      if (current !== undefined && !Array.isArray(current))
        throw misfit(one.path, `${one.op} needs a list`, current)
      value =
        one.op === 'append'
          ? [...((current as unknown[]) ?? []), ...one.value]
          : [...one.value, ...((current as unknown[]) ?? [])]
      break
    default:
      value = changeSet(current, one.op, one.path, one.value)
  }
  if (value === undefined) {
    if (current !== undefined) remove(result, one.path, grow, copied)
    else if (!grow) parentOf(result, one.path, grow, copied)
  } else put(result, one.path, value, grow, copied)
}

function changeSet(
  current: unknown,
  op: 'addToSet' | 'removeFromSet',
  path: RowPath,
  members: ReadonlySet<unknown>,
): unknown {
  if (current !== undefined) {
    if (!(current instanceof Set)) throw misfit(path, `${op} needs a set`, current)
    if (typeName(current) !== typeName(members))
      throw misfit(path, `${op} needs members of the set's own type`, members)
  }
  const old = (current as Set<unknown> | undefined) ?? new Set()
  if (op === 'addToSet') return new Set([...old, ...[...members].filter((member) => !hasMember(old, member))])
  const rest = [...old].filter((member) => !hasMember(members, member))
  return rest.length === 0 ? undefined : new Set(rest)
}

const typeWords: Record<string, string> = {
  S: 'a text',
  N: 'a number',
  B: 'a binary',
  BOOL: 'a boolean',
  NULL: 'null',
  L: 'a list',
  M: 'a map',
  SS: 'a set of texts',
  NS: 'a set of numbers',
  BS: 'a set of binaries',
}

function misfit(path: RowPath, problem: string, found: unknown): Misfit {
  return new Misfit(path, `${problem}, but there is ${typeWords[typeName(found) ?? ''] ?? 'nothing'}`)
}

/** The container of the last step, copied along the way so that the old row keeps its own. */
function parentOf(
  result: Row,
  path: RowPath,
  grow: boolean,
  copied: Set<object>,
): Record<string | number, unknown> | undefined {
  let container = result as Record<string | number, unknown>
  for (let i = 0; i + 1 < path.length; i++) {
    const step = path[i]!
    const next = path[i + 1]!
    let inner = stepInto(container, step)
    if (inner === undefined) {
      if (!grow) throw new Misfit(path, 'its parent is missing')
      inner = typeof next === 'number' ? [] : {}
      copied.add(inner as object)
    } else {
      const fits = typeof next === 'number' ? Array.isArray(inner) : typeName(inner) === 'M'
      if (!fits)
        throw misfit(
          path,
          typeof next === 'number' ? 'a position needs a list' : 'a field needs a map',
          inner,
        )
      inner = shallow(inner as object, copied)
    }
    if (Array.isArray(container) && (step as number) >= container.length) container.push(inner)
    else container[step] = inner
    container = inner as Record<string | number, unknown>
  }
  return container
}

function put(result: Row, path: RowPath, value: unknown, grow: boolean, copied: Set<object>): void {
  const container = parentOf(result, path, grow, copied)!
  const last = path.at(-1)!
  // A position behind the end appends, as DynamoDB does.
  if (Array.isArray(container) && (last as number) >= container.length) container.push(value)
  else container[last] = value
}

function remove(result: Row, path: RowPath, grow: boolean, copied: Set<object>): void {
  if (grow && path.length > 1 && valueAt(result, path.slice(0, -1)) === undefined) return
  const container = parentOf(result, path, grow, copied)!
  const last = path.at(-1)!
  if (Array.isArray(container)) {
    if ((last as number) < container.length) container.splice(last as number, 1)
  } else delete container[last]
}
