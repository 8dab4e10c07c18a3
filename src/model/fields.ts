import { type Path, path as pathText } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'
import type { RowPath } from '../storage.ts'
import { valueAt } from './evaluate.ts'
import { parsePath } from './parse-path.ts'

/** `fields`: the places inside `data` that a query returns. */

const maxFields = 100
/** Names in all: DynamoDB takes 4096 bytes of expression. */
const maxNames = 600
const reserved = new Set(['pk', 'sk', 'ttl', 'data', 'version'])

export function toPaths(fields: unknown): RowPath[] {
  if (!Array.isArray(fields) || fields.length === 0)
    throw new InvalidInput('fields', 'must be a list of at least one path')
  if (fields.length > maxFields)
    throw new InvalidInput('fields', `can be at most ${maxFields} paths`, {
      limit: maxFields,
      given: String(fields.length),
    })
  const paths = fields.map((given, i) => toPath(given, `fields[${i}]`))
  if (paths.reduce((sum, path) => sum + path.length, 0) > maxNames)
    throw new InvalidInput('fields', 'are too long for one request: use fewer or shorter paths')
  // A path within another one adds nothing.
  return paths.filter((path, i) => !paths.some((other, j) => i !== j && covers(other, path, j < i)))
}

function toPath(given: unknown, field: string): RowPath {
  const path = parsePath(given as Path, field)
  const [first] = path as [string]
  if (typeof given === 'string' && reserved.has(first)) {
    const why = first === 'data' || first === 'version' ? 'paths begin inside data' : 'it always comes along'
    throw new InvalidInput(field, `'${first}' is reserved: ${why}; a field of that name is ['${first}']`)
  }
  if (path.length === 0) throw new InvalidInput(field, 'names all of data: leave fields out')
  if (path.some((step) => typeof step === 'number'))
    throw new InvalidInput(field, 'has a list position: a list comes whole', {
      given: pathText(...path),
    })
  return ['data', ...path]
}

/** Whether `path` lies within `other`, or is the same and comes later. */
const covers = (other: RowPath, path: RowPath, earlier: boolean): boolean =>
  (other.length < path.length || (earlier && other.length === path.length)) &&
  other.every((step, i) => step === path[i])

/** What is left of `data` with these fields alone: always an object, without those that are missing. */
export function pickFields(data: unknown, paths: readonly RowPath[]): Record<string, unknown> {
  const row = { pk: '', sk: '', data }
  const picked: Record<string, unknown> = {}
  for (const path of paths) {
    const value = valueAt(row, path)
    if (value === undefined) continue
    let parent = picked
    for (const step of path.slice(1, -1) as string[]) {
      if (!Object.hasOwn(parent, step)) parent[step] = {}
      parent = parent[step] as Record<string, unknown>
    }
    parent[path.at(-1) as string] = value
  }
  return picked
}
