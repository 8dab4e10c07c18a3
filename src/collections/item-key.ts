import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkFunction, checkOptions } from '../model/checks.ts'
import { loneSk } from '../model/key-names.ts'
import { checkPkAndSk } from '../model/keys.ts'
import { equals } from '../model/values.ts'
import { encodeKey, encodeValue, separator } from './key-encoding.ts'
import { checkFields, checkName } from './names.ts'
import { keyValue, type Stored } from './stored.ts'
import type { KeyFunctions, KeyOption } from './types.ts'

/**
 * Where an item lies.
 *
 * | key | pk | sk |
 * |---|---|---|
 * | `'id'` | `users` | the id |
 * | `['org', 'id']` | `users#` and the org | the id |
 * | `{ partition: ['id'] }` | `users#` and the id | `#` |
 * | `['org', 'id']`, `shared: 'org'` | `org#` and the org | `users##` and the id |
 */
export interface ItemKey {
  readonly fields: readonly string[]
  readonly partition: readonly string[]
  readonly sort: readonly string[]
  /** The name of the partitions, where it is not the collection's. */
  readonly shared: string | undefined
  /** What each `sk` of the collection begins with. */
  readonly prefix: string
  /** Whether items can be listed: not with a key of the caller's own form. */
  readonly isListed: boolean
  /** The values of the key fields, as text that no other item has. */
  text(values: Stored): string
  of(values: Stored): AtomicDbItemKey
  pk(values: Stored): string
}

interface KeyOptions {
  readonly key: KeyOption<string>
  readonly shared?: string
}

export function toItemKey(name: string, { key, shared }: KeyOptions, dates: ReadonlySet<string>): ItemKey {
  if (shared !== undefined) checkName(shared, 'options.shared')
  if (typeof (key as KeyFunctions<string> | undefined)?.to === 'function')
    return ownKey(key as KeyFunctions<string>, shared, dates)
  const { partition, sort } = partsOf(key)
  const fields = [...partition, ...sort]
  const values = (names: readonly string[], item: Stored) =>
    names.map((field) => keyValue(field, item, dates))
  const pk = (item: Stored) =>
    partition.length === 0
      ? (shared ?? name)
      : (shared ?? name) + separator + encodeKey(values(partition, item), 'key')
  const prefix = shared === undefined ? '' : `${name}##`
  return {
    fields,
    partition,
    sort,
    shared,
    prefix,
    isListed: true,
    pk,
    text: (item) => encodeKey(values(fields, item), 'key'),
    of(item) {
      const sk = sort.length === 0 ? loneSk : encodeKey(values(sort, item), 'key')
      const at = { pk: pk(item), sk: prefix + sk }
      checkPkAndSk(at, 'key')
      return at
    },
  }
}

function partsOf(key: KeyOption<string>): { partition: string[]; sort: string[] } {
  if (typeof key === 'object' && key !== null && !Array.isArray(key)) {
    checkOptions(key, ['partition', 'sort', 'fields', 'to', 'from'], 'options.key')
    const given = key as { partition: readonly string[]; sort?: readonly string[] }
    const [partition, sort] = [
      checkFields(given.partition, 'options.key.partition'),
      checkFields(given.sort ?? [], 'options.key.sort'),
    ]
    const all = checkFields([...partition, ...sort], 'options.key')
    if (all.length === 0) throw new InvalidInput('options.key', 'must name a field')
    return { partition, sort }
  }
  const fields = checkFields(key, 'options.key')
  if (fields.length === 0) throw new InvalidInput('options.key', 'must name a field')
  return fields.length === 1
    ? { partition: [], sort: fields }
    : { partition: fields.slice(0, 1), sort: fields.slice(1) }
}

/** A key of the caller's own form. What comes back must be what went in, or two items could become one. */
function ownKey(key: KeyFunctions<string>, shared: string | undefined, dates: ReadonlySet<string>): ItemKey {
  checkOptions(key, ['fields', 'to', 'from'], 'options.key')
  checkFunction(key.from, 'options.key.from')
  if (shared !== undefined) throw new InvalidInput('options.shared', 'cannot stand with key functions')
  const fields = checkFields(key.fields, 'options.key.fields')
  const valuesOf = (item: Stored): Stored =>
    Object.fromEntries(fields.map((field) => [field, keyValue(field, item, dates)]))
  const of = (item: Stored): AtomicDbItemKey => {
    const values = valuesOf(item)
    const { pk, sk } = key.to(values)
    checkPkAndSk({ pk, sk }, 'key')
    const back = key.from({ pk, sk })
    const differs = fields.find((field) => encodeValue(values[field]) !== safeText(back?.[field]))
    if (differs !== undefined || !equals(Object.keys(back).sort(), fields.slice().sort()))
      throw new InvalidInput(
        'key',
        `options.key.from does not give back what options.key.to took: '${differs ?? 'fields'}'`,
      )
    return { pk, sk }
  }
  return {
    fields,
    partition: fields,
    sort: [],
    shared: undefined,
    prefix: '',
    isListed: false,
    of,
    pk: (item) => of(item).pk,
    text: (item) => encodeKey(Object.values(valuesOf(item)), 'key'),
  }
}

function safeText(value: unknown): string | undefined {
  try {
    return encodeValue(value)
  } catch {
    return undefined
  }
}
