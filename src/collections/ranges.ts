import { InvalidInput } from '../errors.ts'
import type { AtomicDbRange } from '../interface.ts'
import { checkOptions } from '../model/checks.ts'
import { loneSk } from '../model/key-names.ts'
import type { Definition } from './definition.ts'
import { indexPk } from './entries.ts'
import type { IndexDefinition } from './index-definition.ts'
import { beforeAll, behind, encodeText, encodeValue, separator } from './key-encoding.ts'
import { type Stored, toDate } from './stored.ts'
import type { RangeOptions } from './types.ts'

/** From values of fields to a range of a partition. */

/** Fields of which a key is made, in their order. */
export interface Order {
  /** For errors. */
  readonly what: string
  readonly partition: readonly string[]
  readonly sort: readonly string[]
  readonly prefix: string
  pk(values: readonly unknown[]): string
}

export function itemOrder({ name, key }: Definition): Order {
  if (!key.isListed)
    throw new InvalidInput('key', `${name} has key functions: its items cannot be listed, but by an index`)
  const { partition, sort, prefix } = key
  const pk = (values: readonly unknown[]) =>
    key.pk(Object.fromEntries(partition.map((field, i) => [field, values[i]])))
  return { what: name, partition, sort, prefix, pk }
}

export function indexOrder({ name }: Definition, index: IndexDefinition): Order {
  return {
    what: `index '${index.name}'`,
    partition: index.key,
    sort: index.order,
    prefix: '',
    pk: (values) => indexPk(name, index.name, values),
  }
}

/** Throws `InvalidInput` where a field is missing or not one of the order's. */
export function toRange(
  order: Order,
  within: Stored,
  range: RangeOptions,
  dates: ReadonlySet<string>,
): AtomicDbRange {
  const given = checkWithin(order, within)
  const value = (field: string) => (dates.has(field) ? toDate(given[field], field) : given[field])
  const pk = order.pk(order.partition.map(value))
  const leading = leadingOf(order, given)
  const start = order.prefix + leading.map((field) => encodeValue(value(field), field) + separator).join('')
  const rest = order.sort.slice(leading.length)
  const { from, to, prefix, exclude } = range
  const hasBound = from !== undefined || to !== undefined || prefix !== undefined
  if (hasBound && rest.length === 0)
    throw new InvalidInput(
      'from',
      `${order.what} has no field behind '${order.sort.at(-1)}' to which a bound could apply`,
    )
  if (rest.length === 0) return { pk, ...exactly(order, leading, value) }
  const bounded: { from?: string; to?: string } = {}
  const isOut = (side: 'from' | 'to') => exclude === side || exclude === 'both'
  if (prefix !== undefined && typeof prefix !== 'string') throw new InvalidInput('prefix', 'must be a text')
  const at = (bound: unknown, name: string) =>
    encodeValue(dates.has(rest[0]!) ? toDate(bound, name) : bound, name)
  // Whole rows begin with the value; `behind` comes after all of them.
  if (from !== undefined) bounded.from = start + at(from, 'from') + (isOut('from') ? behind : '')
  else if (prefix === undefined) bounded.from = start + beforeAll
  if (to !== undefined) bounded.to = start + at(to, 'to') + (isOut('to') ? '' : behind)
  const sk = start + (prefix === undefined ? '' : encodeText(prefix, 'prefix'))
  return { pk, ...(sk === '' ? {} : { sk }), ...bounded, ...(to === undefined ? {} : { exclude: 'to' }) }
}

/** All fields are given: one row, or the entries of one item. */
function exactly(
  order: Order,
  leading: readonly string[],
  value: (field: string) => unknown,
): { from: string; to: string; exclude?: 'to' } {
  if (leading.length === 0) return { from: order.prefix + loneSk, to: order.prefix + loneSk }
  const text = order.prefix + leading.map((field) => encodeValue(value(field), field)).join(separator)
  return { from: text, to: text + behind, exclude: 'to' }
}

function checkWithin(order: Order, within: Stored): Stored {
  const known = [...order.partition, ...order.sort]
  checkOptions(within, known, 'within')
  const missing = order.partition.find((field) => within[field] === undefined || within[field] === null)
  if (missing !== undefined)
    throw new InvalidInput(
      `within.${missing}`,
      `is missing: ${order.what} is listed by ${order.partition.join(' and ')}`,
    )
  return within
}

/** The fields to sort by that are given: the first ones, without a gap. */
function leadingOf(order: Order, within: Stored): string[] {
  const isGiven = (field: string) => within[field] !== undefined
  const { sort } = order
  const first = sort.findIndex((field) => !isGiven(field))
  const count = first < 0 ? sort.length : first
  const gap = sort.slice(count).find(isGiven)
  if (gap !== undefined)
    throw new InvalidInput(
      `within.${gap}`,
      `needs '${sort[count]}' too: ${order.what} is sorted by ${sort.join(', then ')}`,
    )
  return sort.slice(0, count)
}
