import { InvalidInput } from '../errors.ts'
import { checkFunction, checkOptions, wholeNumber } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { checkIndexes, type IndexDefinition, toRetired } from './index-definition.ts'
import { type ItemKey, toItemKey } from './item-key.ts'
import { checkField, checkFields, checkName } from './names.ts'
import { checkSchema, fieldSchemas, restSchema, type StandardSchema } from './standard-schema.ts'
import type { CollectionOptions, IndexOption, ReferenceTarget, UniqueOption, Upgrade } from './types.ts'

/** A collection's options, checked and in one form. */
export interface Definition {
  readonly name: string
  readonly schema: StandardSchema | undefined
  /** What updated items are checked against. */
  readonly stored: StandardSchema | undefined
  /** Schemas by field, where the library shows them. */
  readonly fields: ReadonlyMap<string, StandardSchema> | undefined
  /** The schema of all other fields. Absent: there are no others. */
  readonly rest: StandardSchema | undefined
  readonly key: ItemKey
  readonly indexes: ReadonlyMap<string, IndexDefinition>
  readonly dates: ReadonlySet<string>
  readonly ttl: string | undefined
  readonly created: string | undefined
  readonly updated: string | undefined
  /** Deleted items are kept so many seconds. */
  readonly keptSeconds: number | undefined
  readonly references: readonly ReferenceDefinition[]
  readonly referenced: boolean
  readonly version: number
  readonly upgrades: Readonly<Record<number, Upgrade>>
  readonly writeBack: 'update' | 'read'
  /** Fields whose change is more than a change of the item's own row. */
  readonly watched: ReadonlySet<string>
}

export interface ReferenceDefinition {
  readonly name: string
  readonly fields: readonly string[]
  readonly to: ReferenceTarget
  readonly since: number
  readonly retired: boolean
  /** Items of this version or a later one do not count. */
  readonly until: number
}

/** The options as they come, without their types. */
export type AnyOptions = CollectionOptions<
  StandardSchema,
  string,
  string,
  Readonly<Record<string, IndexOption>>,
  Readonly<Record<string, UniqueOption>>
>

const checkCollectionOptions = /* @__PURE__ */ optionsCheck<AnyOptions>(() => [
  {
    schema: true,
    key: true,
    indexes: true,
    unique: true,
    stored: true,
    dates: true,
    ttl: true,
    stamps: true,
    softDelete: true,
    shared: true,
    references: true,
    referenced: 'boolean',
    version: true,
    upgrades: true,
    writeBack: true,
  },
  {
    primaryKey: "use 'key'",
    index: "use 'indexes'",
    timestamps: "use 'stamps': { created, updated }",
    ttlSeconds: "'ttl' names the field that says when the item expires",
    refs: "use 'references'",
  },
])

/** Throws `InvalidInput` for what cannot be. */
export function toDefinition(name: string, options: AnyOptions): Definition {
  checkName(name, 'name')
  checkCollectionOptions(options)
  if (typeof options !== 'object' || options === null) throw new InvalidInput('options', "must have a 'key'")
  const { schema, stored = schema } = options
  if (schema !== undefined) checkSchema(schema, 'options.schema')
  if (stored) checkSchema(stored, 'options.stored')
  const dates = new Set(checkFields(options.dates ?? [], 'options.dates'))
  const key = toItemKey(name, options, dates)
  const ttl = options.ttl === undefined ? undefined : checkField(options.ttl, 'options.ttl')
  const indexes = checkIndexes(options, key.fields, versionOf(options))
  const references = toReferences(options, versionOf(options))
  const { created, updated } = checkStamps(options.stamps)
  checkExpiry(ttl, options, indexes)
  const definition: Omit<Definition, 'watched'> = {
    name,
    schema,
    stored: stored || undefined,
    fields: fieldSchemas(stored || undefined),
    rest: restSchema(stored || undefined),
    key,
    indexes,
    dates,
    ttl,
    created,
    updated,
    keptSeconds: toKeptSeconds(options.softDelete),
    references,
    referenced: options.referenced ?? false,
    version: versionOf(options),
    upgrades: options.upgrades ?? {},
    writeBack: options.writeBack ?? 'update',
  }
  checkUpgrades(definition)
  return { ...definition, watched: watchedFields(definition) }
}

const versionOf = ({ version = 1 }: AnyOptions): number =>
  wholeNumber(version, 'options.version', { min: 1, max: 1e6 })

function checkStamps(stamps: AnyOptions['stamps'] = {}): { created?: string; updated?: string } {
  checkOptions(stamps, ['created', 'updated'], 'options.stamps')
  for (const [name, field] of Object.entries(stamps))
    if (field !== undefined) checkField(field, `options.stamps.${name}`)
  return stamps
}

function toKeptSeconds(softDelete: AnyOptions['softDelete'] = false): number | undefined {
  if (typeof softDelete === 'boolean') return softDelete ? Number.POSITIVE_INFINITY : undefined
  checkOptions(softDelete, ['days'], 'options.softDelete')
  return wholeNumber(softDelete.days, 'options.softDelete.days', { min: 1, max: 36_500 }) * 86_400
}

function toReferences({ references = {} }: AnyOptions, version: number): ReferenceDefinition[] {
  return Object.entries(references).map(([name, given]) => {
    const where = `options.references.${name}`
    const isTarget = typeof (given as ReferenceTarget | undefined)?.describe === 'function'
    if (!isTarget) checkOptions(given, ['to', 'fields', 'since', 'retired'], where)
    const to = isTarget ? (given as ReferenceTarget) : (given as { to: ReferenceTarget }).to
    if (typeof to?.describe !== 'function')
      throw new InvalidInput(where, 'must be a collection, or { to, fields }')
    const fields = checkFields(
      isTarget ? [name] : (given as { fields: readonly string[] }).fields,
      `${where}.fields`,
    )
    if (fields.length !== to.keyFields.length)
      throw new InvalidInput(
        where,
        `must name ${to.keyFields.length} fields: the key of ${to.name} is ${to.keyFields.join(', ')}`,
      )
    if (!(to as { referenced?: unknown }).referenced)
      throw new InvalidInput(
        where,
        `the collection ${to.name} must say 'referenced: true', so that its deletes look`,
      )
    const { since = 1, retired } = isTarget ? {} : (given as { since?: number; retired?: boolean | number })
    wholeNumber(since, `${where}.since`, { min: 1, max: version })
    return { name, fields, to, since, ...toRetired(retired, version, `${where}.retired`) }
  })
}

/** Counts are exact, and nobody tells of an item that expires. */
function checkExpiry(
  ttl: string | undefined,
  { references, referenced }: AnyOptions,
  indexes: ReadonlyMap<string, IndexDefinition>,
): void {
  if (ttl === undefined) return
  const counted = [...indexes.values()].find(({ count }) => count)
  const problem = "cannot stand with 'ttl': nobody counts what expires"
  if (counted) throw new InvalidInput(`options.indexes.${counted.name}.count`, problem)
  if (references !== undefined) throw new InvalidInput('options.references', problem)
  if (referenced) throw new InvalidInput('options.referenced', problem)
}

function checkUpgrades({ version, upgrades, writeBack }: Omit<Definition, 'watched'>): void {
  checkOptions(upgrades, Object.keys(upgrades), 'options.upgrades')
  for (let to = 2; to <= version; to++) checkFunction(upgrades[to], `options.upgrades[${to}]`)
  const odd = Object.keys(upgrades).find((to) => !(Number(to) >= 2 && Number(to) <= version))
  if (odd !== undefined)
    throw new InvalidInput(
      `options.upgrades[${odd}]`,
      `upgrades lead to versions from 2 to 'version', ${version}`,
    )
  if (writeBack !== 'update' && writeBack !== 'read')
    throw new InvalidInput('options.writeBack', "must be 'update' or 'read'")
}

function watchedFields(definition: Omit<Definition, 'watched'>): Set<string> {
  const { key, ttl, created, references, indexes } = definition
  return new Set([
    ...key.fields,
    ...(ttl === undefined ? [] : [ttl]),
    ...(created === undefined ? [] : [created]),
    ...references.flatMap(({ fields }) => fields),
    ...[...indexes.values()].flatMap(({ watched }) => watched),
  ])
}
