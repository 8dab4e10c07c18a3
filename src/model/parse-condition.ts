import {
  type CombinedCondition,
  type Condition,
  conditionItem,
  conditionKind,
  conditionOf,
  conditionPath,
  type FieldCondition,
  type FieldReference,
} from '../contract/conditions.ts'
import type { Path } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'
import type { Comparison, Guard, Operand, RowPath, TypeName } from '../storage.ts'
import { checkedCopy } from './checked-copy.ts'
import { checkOptions } from './checks.ts'
import { allGuards } from './expiry.ts'
import { parsePath } from './parse-path.ts'
import { compareValues, typeName } from './values.ts'
import { exactOf } from './wire.ts'

/** From the public conditions to guards on rows, every argument checked. */

const comparisons: readonly string[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte']
const types: Record<string, TypeName> = {
  string: 'S',
  number: 'N',
  boolean: 'BOOL',
  null: 'NULL',
  binary: 'B',
  list: 'L',
  map: 'M',
  stringSet: 'SS',
  numberSet: 'NS',
  binarySet: 'BS',
}
const tests = /* @__PURE__ */ comparisons.concat(
  'between',
  'in',
  'exists',
  'beginsWith',
  'contains',
  'size',
  'type',
)
const hints = {
  startsWith: "use 'beginsWith'",
  prefix: "use 'beginsWith'",
  begins_with: "use 'beginsWith'",
  includes: "use 'contains'",
  equals: "use 'eq'",
  not: "use 'ne', or not(...) around the condition",
  length: "use 'size'",
}

const maxParts = 300

/** Before anything else is looked at: however deep, wide or often the same part is there, the walk is short. */
function checkExtent(condition: Condition, where: string): void {
  const rest: unknown[] = [condition]
  for (let count = 1; rest.length > 0; count++) {
    const one = rest.pop()
    const isNested = typeof one === 'object' && one !== null && conditionKind in one
    const parts = isNested ? ((one as CombinedCondition)[conditionOf] ?? []) : []
    if (count + rest.length + parts.length > maxParts)
      throw new InvalidInput(where, `a condition can have at most ${maxParts} parts`, { limit: maxParts })
    rest.push(...parts)
  }
}

/** `where` is the name of the argument, for errors. */
export function toGuard(condition: Condition, where = 'if'): Guard {
  checkExtent(condition, where)
  return guardOf(condition, where)
}

function guardOf(condition: Condition, where: string): Guard {
  if (typeof condition !== 'object' || condition === null)
    throw new InvalidInput(
      where,
      'must be an object of fields, or made by anyOf, allOf, not, exists or absent',
      { given: typeof condition },
    )
  if (conditionKind in condition) return combined(condition as CombinedCondition, where)
  const entries: readonly (readonly [Path, FieldCondition])[] = Array.isArray(condition)
    ? condition
    : Object.entries(condition)
  if (entries.length === 0) throw new InvalidInput(where, 'is empty: name a field, or leave it out')
  return allGuards(...entries.map((entry) => ofField(entry, where)))
}

function combined(condition: CombinedCondition, where: string): Guard {
  const parts = condition[conditionOf] ?? []
  switch (condition[conditionKind]) {
    case 'exists':
      return { op: 'exists', path: ['pk'] }
    case 'absent':
      return { op: 'absent', path: ['pk'] }
    case 'unchanged':
      return asRead(condition[conditionItem], where)
    case 'not':
      return { op: 'not', of: guardOf(parts[0]!, where) }
    case 'and':
    case 'or': {
      if (parts.length === 0) throw new InvalidInput(where, 'anyOf and allOf need at least one condition')
      const of = parts.map((part) => guardOf(part, where))
      return of.length === 1 ? of[0]! : { op: condition[conditionKind] as 'and' | 'or', of }
    }
    default:
      throw new InvalidInput(where, 'field(...) is a value to compare with, not a condition')
  }
}

/** Data and expiry are those of the item; attributes that are not an item's are not compared. */
function asRead(item: CombinedCondition[typeof conditionItem], where: string): Guard {
  if (item === undefined) return { op: 'absent', path: ['pk'] }
  if (typeof item !== 'object' || item === null)
    throw new InvalidInput(where, 'unchanged(...) takes an item as it was read, or undefined')
  const { data, ttl } = exactOf(item)
  const same = (name: 'data' | 'ttl', value: unknown): Guard =>
    value === undefined
      ? { op: 'absent', path: [name] }
      : {
          op: 'eq',
          left: { path: [name] },
          // The form of the wire is as it was stored, also where callers could not write it.
          right: { value: value === item[name] ? checkedCopy(value, `${where}.${name}`, true) : value },
        }
  return allGuards({ op: 'exists', path: ['pk'] }, same('data', data), same('ttl', ttl))
}

function ofField(entry: readonly [Path, FieldCondition], where: string): Guard {
  if (!Array.isArray(entry) || entry.length !== 2)
    throw new InvalidInput(where, 'a list of conditions holds pairs of path and test')
  const [given, wanted] = entry
  const name = `${where}.${typeof given === 'string' ? given : given.join('.')}`
  const path: RowPath = ['data', ...parsePath(given, name)]
  if (
    typeof wanted === 'object' &&
    wanted !== null &&
    !(wanted instanceof Uint8Array) &&
    !(conditionKind in wanted)
  ) {
    const named = Object.entries(wanted).filter(([, value]) => value !== undefined)
    if (Array.isArray(wanted) || wanted instanceof Set || named.length === 0)
      throw new InvalidInput(
        name,
        `must be a value or tests (${tests.join(', ')}); for a map, list or set use eq`,
      )
    checkOptions(wanted, tests, name, hints)
    return allGuards(...named.map(([test, value]) => ofTest(path, test, value, `${name}.${test}`)))
  }
  const left = { path }
  return { op: 'eq', left, right: toOperand(wanted, name, left) }
}

const isReference = (value: unknown): value is FieldReference =>
  typeof value === 'object' && value !== null && (value as FieldReference)[conditionKind] === 'field'

/** What `left` is compared with. */
function toOperand(value: unknown, name: string, left: Operand): Operand {
  if (!isReference(value)) return { value: checkedCopy(value, name, true) }
  const path = ['data', ...value[conditionPath]]
  if ('path' in left && left.path.length === path.length && path.every((step, i) => step === left.path[i])) {
    throw new InvalidInput(name, 'compares a field with itself')
  }
  return { path }
}

function ordered(value: unknown, name: string, left: Operand): Operand {
  const right = toOperand(value, name, left)
  if ('value' in right && compareValues(right.value, right.value) === undefined)
    throw new InvalidInput(name, 'can be compared with a text, a number, a Uint8Array or field(...)', {
      given: typeName(value) ?? typeof value,
    })
  return right
}

function ofTest(path: RowPath, test: string, value: unknown, name: string): Guard {
  switch (test) {
    case 'exists':
      if (typeof value !== 'boolean') throw new InvalidInput(name, 'must be true or false')
      return { op: value ? 'exists' : 'absent', path }
    case 'beginsWith':
      if (typeof value !== 'string' || value === '')
        throw new InvalidInput(name, 'must be a text of at least one character')
      return { op: 'beginsWith', path, value: checkedCopy(value, name) }
    case 'contains': {
      const part = checkedCopy(value, name, true)
      return { op: 'contains', path, value: part }
    }
    case 'type': {
      const type = Object.hasOwn(types, value as string) ? types[value as string] : undefined
      if (!type) throw new InvalidInput(name, `must be one of ${Object.keys(types).join(', ')}`)
      return { op: 'type', path, type }
    }
    case 'in':
      if (!Array.isArray(value) || value.length < 1 || value.length > 100)
        throw new InvalidInput(name, 'must be a list of 1 to 100 values', { limit: 100 })
      return {
        op: 'in',
        left: { path },
        values: value.map((candidate, i) => checkedCopy(candidate, `${name}[${i}]`, true)),
      }
    case 'between':
      return between({ path }, value, name)
    case 'size':
      return ofSize(path, value, name)
    default:
      return {
        op: test as Comparison,
        left: { path },
        right:
          test === 'eq' || test === 'ne' ? toOperand(value, name, { path }) : ordered(value, name, { path }),
      }
  }
}

function between(left: Operand, value: unknown, name: string): Guard {
  if (!Array.isArray(value) || value.length !== 2) throw new InvalidInput(name, 'must be a pair of bounds')
  const low = ordered(value[0], name, left)
  const high = ordered(value[1], name, left)
  if ('value' in low && 'value' in high) {
    const order = compareValues(low.value, high.value)
    if (order === undefined || order > 0)
      throw new InvalidInput(name, 'the bounds must be of one type, the lower one first')
  }
  return { op: 'between', left, low, high }
}

function ofSize(path: RowPath, value: unknown, name: string): Guard {
  const left: Operand = { sizeOf: path }
  const wanted =
    typeof value === 'object' && value !== null
      ? Object.entries(value).filter(([, bound]) => bound !== undefined)
      : [['eq', value]]
  if (wanted.length === 0) throw new InvalidInput(name, 'is empty')
  return allGuards(
    ...wanted.map(([test, bound]): Guard => {
      if (test === 'between') return between(left, bound, name)
      if (!comparisons.includes(test as string) || typeof bound !== 'number')
        throw new InvalidInput(name, 'must be a number, or compare with numbers')
      return { op: test as Comparison, left, right: { value: checkedCopy(bound, name) } }
    }),
  )
}
