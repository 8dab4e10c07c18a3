import type { ByPath, Changes, FieldChanges, Members } from '../contract/changes.ts'
import { type Path, path as pathText } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'
import type { RowChange, RowPath } from '../storage.ts'
import { checkedCopy } from './checked-copy.ts'
import { checkOptions } from './checks.ts'
import { parsePath } from './parse-path.ts'
import { typeName } from './values.ts'

/** From the public changes to changes of a row, every argument checked. */

/** `max` and `min` are no changes that a backend has: a plan turns each into a guarded `set`. */
export type Bound = { op: 'max' | 'min'; path: RowPath; value: number | bigint }
export type PlannedChange = RowChange | Bound

/** The kinds of changes that are given by path, with values. */
export const kinds = [
  'set',
  'setIfAbsent',
  'add',
  'max',
  'min',
  'append',
  'prepend',
  'addToSet',
  'removeFromSet',
] as const
const known: readonly string[] = /* @__PURE__ */ (kinds as readonly string[]).concat(
  'remove',
  'ttl',
  'delete',
)
const hints = {
  increment: "use 'add'",
  inc: "use 'add'",
  decrement: "use 'add' with a negative number",
  push: "use 'append'",
  unset: "use 'remove'",
  ttlSeconds: "use 'ttl', in epoch seconds",
  if: 'the condition belongs into the options: update(key, changes, { if })',
  data: "use { set: { '': data } } to replace all of data",
}
type Kind = (typeof kinds)[number]

/** The changes of a row; 'delete' to delete it. */
export function toChanges(changes: Changes, where = 'changes'): PlannedChange[] | 'delete' {
  if (typeof changes !== 'object' || changes === null)
    throw new InvalidInput(where, 'must be an object', { given: typeof changes })
  checkOptions(changes, known, where, hints)
  if (changes.delete !== undefined) {
    if (changes.delete !== true || Object.keys(changes).length > 1)
      throw new InvalidInput(`${where}.delete`, 'must be true and alone')
    return 'delete'
  }
  const list: PlannedChange[] = []
  for (const kind of kinds) {
    const byPath = (changes as FieldChanges)[kind]
    if (byPath !== undefined) addKind(list, kind, byPath, `${where}.${kind}`)
  }
  addRemovals(list, (changes as FieldChanges).remove, `${where}.remove`)
  addTtl(list, (changes as FieldChanges).ttl, `${where}.ttl`)
  if (list.length === 0) throw new InvalidInput(where, 'is empty: name at least one change')
  if (list.length > 1) checkOverlaps(list, where)
  return list
}

const maxChanges = 150

/** Before anything else is looked at: what comes after is not linear. */
function checkNumberOfChanges(count: number, where: string): void {
  if (count > maxChanges)
    throw new InvalidInput(
      where,
      `an update can have at most ${maxChanges} changes: use several, or set a parent`,
      {
        limit: maxChanges,
        given: String(count),
      },
    )
}

function addKind(list: PlannedChange[], kind: Kind, byPath: ByPath<unknown>, where: string): void {
  if (typeof byPath !== 'object' || byPath === null)
    throw new InvalidInput(where, 'must be an object by path, or a list of pairs', { given: typeof byPath })
  const entries: readonly (readonly [Path, unknown])[] = Array.isArray(byPath)
    ? byPath
    : Object.entries(byPath)
  checkNumberOfChanges(list.length + entries.length, where)
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2)
      throw new InvalidInput(where, 'a list of changes holds pairs of path and value')
    const [given, value] = entry as [Path, unknown]
    const name = `${where}.${typeof given === 'string' ? given : pathText(...given)}`
    const path: RowPath = ['data', ...parsePath(given, name)]
    list.push(one(kind, path, value, name))
  }
}

function one(kind: Kind, path: RowPath, value: unknown, name: string): PlannedChange {
  switch (kind) {
    case 'set':
    case 'setIfAbsent':
      // In larger values a small bigint is refused: what is stored comes back equal.
      return { op: kind, path, value: checkedCopy(value, name, typeof value === 'bigint') }
    case 'add':
    case 'max':
    case 'min':
      if (typeof value !== 'number' && typeof value !== 'bigint')
        throw new InvalidInput(name, 'must be a number', { given: typeof value })
      return { op: kind, path, value: checkedCopy(value, name, true) as number | bigint }
    case 'append':
    case 'prepend':
      if (!Array.isArray(value) || value.length === 0)
        throw new InvalidInput(name, 'must be a list of at least one element')
      return { op: kind, path, value: checkedCopy(value, name) as unknown[] }
    default:
      return { op: kind, path, value: members(value as Members, name) }
  }
}

function members(value: Members, name: string): ReadonlySet<unknown> {
  const set = value instanceof Set ? value : Array.isArray(value) ? new Set(value) : undefined
  if (!set)
    throw new InvalidInput(name, 'must be a Set or a list of members', {
      given: typeName(value) ?? typeof value,
    })
  return checkedCopy(set, name, true) as Set<unknown>
}

function addRemovals(list: PlannedChange[], paths: readonly Path[] | undefined, where: string): void {
  if (paths === undefined) return
  if (!Array.isArray(paths)) throw new InvalidInput(where, 'must be a list of paths')
  checkNumberOfChanges(list.length + paths.length, where)
  for (const given of paths) {
    const path = parsePath(given, where)
    if (path.length === 0) throw new InvalidInput(where, 'cannot remove all of data: use { delete: true }')
    list.push({ op: 'remove', path: ['data', ...path] })
  }
}

function addTtl(list: PlannedChange[], ttl: number | null | undefined, where: string): void {
  if (ttl === null) list.push({ op: 'remove', path: ['ttl'] })
  else if (ttl !== undefined) list.push({ op: 'set', path: ['ttl'], value: checkTtl(ttl, where) })
}

export function checkTtl(ttl: unknown, where: string): number {
  if (!Number.isSafeInteger(ttl) || (ttl as number) < 0)
    throw new InvalidInput(where, 'must be a whole number of epoch seconds', {
      given: typeof ttl === 'number' ? String(ttl) : typeof ttl,
    })
  if ((ttl as number) > 1e11)
    throw new InvalidInput(where, 'is epoch seconds, not milliseconds', { given: String(ttl) })
  return ttl as number
}

function checkOverlaps(list: PlannedChange[], where: string): void {
  const paths = list.map((change) => change.path)
  for (let i = 0; i < paths.length; i++) {
    for (let j = i + 1; j < paths.length; j++) {
      const [short, long] =
        paths[i]!.length <= paths[j]!.length ? [paths[i]!, paths[j]!] : [paths[j]!, paths[i]!]
      if (short.every((step, at) => step === long[at])) {
        throw new InvalidInput(where, `two changes overlap: '${dataPath(short)}' and '${dataPath(long)}'`)
      }
    }
  }
}

/** How a path of a row is written by the caller. */
export const dataPath = (path: RowPath): string =>
  path[0] === 'data' ? pathText(...path.slice(1)) : pathText(...path)
