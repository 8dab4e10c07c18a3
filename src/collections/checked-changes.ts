import type { ByPath, FieldChanges } from '../contract/changes.ts'
import type { Path } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'
import { suggestion } from '../model/checks.ts'
import { kinds, toChanges } from '../model/parse-changes.ts'
import { parsePath } from '../model/parse-path.ts'
import type { Definition } from './definition.ts'
import { validated } from './standard-schema.ts'
import { datesAsTexts } from './stored.ts'

/** The changes of an `update`: what they touch, and how they are stored. */

export interface CheckedChanges {
  /** As they are stored. */
  readonly changes: FieldChanges
  /** Whether the item's own row is all that they change. */
  readonly isPlain: boolean
}

type Pair = readonly [Path, unknown]

const pairsOf = (byPath: ByPath<unknown> | undefined): readonly Pair[] =>
  byPath === undefined ? [] : Array.isArray(byPath) ? byPath : Object.entries(byPath)

/** Throws `InvalidInput` for fields that cannot be changed and values that do not fit. */
export async function checkedChanges(
  definition: Definition,
  given: FieldChanges,
  now: number,
): Promise<CheckedChanges> {
  const { updated, dates, watched } = definition
  let changes = given
  if (dates.size > 0) changes = datesAsTexts(changes) as FieldChanges
  // Before the paths are looked at: it says what no change is.
  toChanges(changes)
  if (given.delete) throw new InvalidInput('changes.delete', 'use delete(key)')
  if (given.ttl !== undefined)
    throw new InvalidInput(
      'changes.ttl',
      definition.ttl ? `change the field '${definition.ttl}'` : "the collection has no 'ttl'",
    )
  const touched = touchedFields(given)
  for (const field of touched) checkTouched(definition, field)
  changes = await withCheckedValues(definition, given, changes)
  if (updated !== undefined) {
    if (touched.has(updated)) throw new InvalidInput(`changes '${updated}'`, 'is set by the collection')
    changes = { ...changes, set: [...pairsOf(changes.set), [[updated], new Date(now).toISOString()]] }
    touched.add(updated)
  }
  return { changes, isPlain: ![...touched].some((field) => watched.has(field)) }
}

function touchedFields(changes: FieldChanges): Set<string> {
  const touched = new Set<string>()
  const add = (path: Path) => {
    const [field] = parsePath(path, 'changes')
    if (typeof field !== 'string')
      throw new InvalidInput('changes', 'name the fields that change; to write the whole item use put')
    touched.add(field)
  }
  for (const kind of kinds) for (const [path] of pairsOf(changes[kind] as ByPath<unknown>)) add(path)
  for (const path of changes.remove ?? []) add(path as Path)
  return touched
}

function checkTouched({ key, fields, rest, created }: Definition, field: string): void {
  const where = `changes '${field}'`
  if (field.startsWith('$')) throw new InvalidInput(where, "names that begin with '$' are the library's own")
  if (key.fields.includes(field))
    throw new InvalidInput(where, 'is a part of the key: insert a new item and delete this one')
  if (field === created) throw new InvalidInput(where, 'is set by the collection')
  if (fields && !rest && !fields.has(field))
    throw new InvalidInput(where, `is not a field of the schema: ${suggestion(field, [...fields.keys()])}`)
}

/** Whole fields are checked by their own schemas, where the library shows them. */
async function withCheckedValues(
  { fields, rest: restFields, dates }: Definition,
  given: FieldChanges,
  changes: FieldChanges,
): Promise<FieldChanges> {
  if (!fields) return changes
  const checked: Record<string, Pair[]> = {}
  for (const kind of ['set', 'setIfAbsent'] as const) {
    if (given[kind] === undefined) continue
    checked[kind] = []
    for (const [path, value] of pairsOf(given[kind])) {
      const [field, ...rest] = parsePath(path, 'changes')
      const schema = rest.length === 0 ? (fields.get(String(field)) ?? restFields) : undefined
      let accepted = schema ? validated(schema, value, `changes.${kind}.${String(field)}`) : value
      if (accepted instanceof Promise) accepted = await accepted
      checked[kind].push([path, dates.size > 0 ? datesAsTexts(accepted) : accepted])
    }
  }
  return { ...changes, ...checked }
}
