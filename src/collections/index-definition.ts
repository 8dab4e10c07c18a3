import { InvalidInput } from '../errors.ts'
import { wholeNumber } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { checkFields, checkName, ownPartitions } from './names.ts'
import type { IndexOption, UniqueOption, WhereValue } from './types.ts'

/** An index's options, checked and in one form. */
export interface IndexDefinition {
  readonly name: string
  readonly unique: boolean
  readonly key: readonly string[]
  readonly sort: readonly string[]
  /** The order of entries of one key: the fields to sort by, then the item's key, each field once. */
  readonly order: readonly string[]
  /** Absent: entries hold the key fields alone. */
  readonly project: readonly string[] | undefined
  readonly where: readonly (readonly [field: string, values: readonly WhereValue[]])[]
  readonly count: boolean
  readonly since: number
  /** Entries of items of an earlier version hold something else. */
  readonly changed: number
  readonly retired: boolean
  /** Items of this version or a later one have no entries. */
  readonly until: number
  /** What an entry holds: key fields of the item, then projected ones. */
  readonly held: readonly string[]
  /** Fields whose change may change an entry. */
  readonly watched: readonly string[]
}

const checkIndex = /* @__PURE__ */ optionsCheck<IndexOption>(() => [
  {
    key: true,
    sort: true,
    project: true,
    where: true,
    count: 'boolean',
    since: true,
    changed: true,
    retired: true,
  },
  {
    fields: "use 'key'",
    pk: "use 'key'",
    sk: "use 'sort'",
    projection: "use 'project'",
    unique: "use the collection's 'unique'",
  },
])

interface Options {
  readonly indexes?: Readonly<Record<string, IndexOption>>
  readonly unique?: Readonly<Record<string, UniqueOption>>
}

export function checkIndexes(
  { indexes = {}, unique = {} }: Options,
  keyFields: readonly string[],
  version: number,
): ReadonlyMap<string, IndexDefinition> {
  const all = new Map<string, IndexDefinition>()
  const add = (name: string, option: IndexOption, isUnique: boolean, where: string) => {
    checkName(name, where)
    if (all.has(name) || ownPartitions.includes(name))
      throw new InvalidInput(where, 'is a name that is taken: choose another one')
    all.set(name, toIndex(name, option, isUnique, keyFields, version, where))
  }
  for (const [name, option] of Object.entries(indexes)) add(name, option, false, `options.indexes.${name}`)
  for (const [name, option] of Object.entries(unique)) {
    const isShort = typeof option === 'string' || Array.isArray(option)
    add(name, (isShort ? { key: option } : option) as IndexOption, true, `options.unique.${name}`)
  }
  return all
}

function toIndex(
  name: string,
  option: IndexOption,
  unique: boolean,
  keyFields: readonly string[],
  version: number,
  where: string,
): IndexDefinition {
  if (typeof option !== 'object' || option === null) throw new InvalidInput(where, 'must be an object')
  checkIndex(option, where)
  const key = checkFields(option.key ?? [], `${where}.key`)
  const sort = checkFields(option.sort ?? [], `${where}.sort`)
  if (unique && (key.length === 0 || sort.length > 0 || option.count))
    throw new InvalidInput(where, "a unique index has a 'key', and neither 'sort' nor 'count'")
  if (key.length + sort.length === 0) throw new InvalidInput(where, "must have a 'key' or a 'sort'")
  const project = option.project === undefined ? undefined : checkFields(option.project, `${where}.project`)
  const conditions = toConditions(option.where, `${where}.where`)
  const since = wholeNumber(option.since ?? 1, `${where}.since`, { min: 1, max: version })
  const held = [...new Set([...keyFields, ...(project ?? [])])]
  return {
    name,
    unique,
    key,
    sort,
    order: unique
      ? []
      : [...sort, ...keyFields.filter((field) => !key.includes(field) && !sort.includes(field))],
    project,
    where: conditions,
    count: option.count ?? false,
    since,
    changed: wholeNumber(option.changed ?? since, `${where}.changed`, { min: since, max: version }),
    ...toRetired(option.retired, version, `${where}.retired`),
    held,
    watched: [...new Set([...key, ...sort, ...(project ?? []), ...conditions.map(([field]) => field)])],
  }
}

/** From which version on there is none of it. */
export function toRetired(
  given: boolean | number | undefined,
  version: number,
  where: string,
): { retired: boolean; until: number } {
  if (given === undefined || given === false) return { retired: false, until: Number.POSITIVE_INFINITY }
  return {
    retired: true,
    until: given === true ? version : wholeNumber(given, where, { min: 1, max: version }),
  }
}

function toConditions(given: IndexOption['where'] = {}, where: string): IndexDefinition['where'] {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidInput(where, 'must be an object of values by field')
  return Object.entries(given).map(([field, wanted]) => {
    checkFields(field, where)
    const values = (Array.isArray(wanted) ? wanted : [wanted]) as WhereValue[]
    for (const value of values)
      if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value))
        throw new InvalidInput(
          `${where}.${field}`,
          'must be a text, number, bigint or boolean, or a list of these',
        )
    return [field, values] as const
  })
}
