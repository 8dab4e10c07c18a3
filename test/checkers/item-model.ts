/** Flat items with conditional updates: just enough to say what the library must do, written without it. */
import type { Open } from './model.ts'
import type { Operation } from './operations.ts'
import { canonical } from './report.ts'
import { reachableSums } from './sums.ts'

export type Item = Record<string, unknown>

/** A plain value means equality. */
export type FieldCondition =
  | { eq?: unknown; ne?: unknown; gt?: number; gte?: number; lt?: number; lte?: number; exists?: boolean }
  | string
  | number
  | boolean
  | null

export interface ItemUpdate {
  /** Every field must meet its condition; 'exists' and 'absent' speak of the whole item. */
  if?: Record<string, FieldCondition> | 'exists' | 'absent'
  set?: Item
  /** A missing field counts as 0. */
  add?: Record<string, number>
  remove?: string[]
}

function fieldMeets(value: unknown, condition: FieldCondition): boolean {
  if (typeof condition !== 'object' || condition === null) return value === condition
  const number = typeof value === 'number' ? value : Number.NaN
  return Object.entries(condition).every(([name, wanted]) => {
    if (name === 'eq') return value !== undefined && canonical(value) === canonical(wanted)
    if (name === 'ne') return value === undefined || canonical(value) !== canonical(wanted)
    if (name === 'exists') return (value !== undefined) === wanted
    const limit = wanted as number
    if (name === 'gt') return number > limit
    if (name === 'gte') return number >= limit
    if (name === 'lt') return number < limit
    if (name === 'lte') return number <= limit
    throw new Error(`the map item model does not know the condition ${JSON.stringify(name)}`)
  })
}

export function meets(item: Item | null, condition: ItemUpdate['if']): boolean {
  if (condition === undefined) return true
  if (condition === 'exists') return item !== null
  if (condition === 'absent') return item === null
  return Object.entries(condition).every(([field, wanted]) => fieldMeets(item?.[field], wanted))
}

export function applyUpdate(item: Item | null, { set = {}, add = {}, remove = [] }: ItemUpdate): Item {
  const next: Item = { ...item, ...set }
  for (const [field, amount] of Object.entries(add)) next[field] = ((next[field] as number) ?? 0) + amount
  for (const field of remove) delete next[field]
  return next
}

/** Whether an update is known not to have been applied. */
export const isRefused = ({ op, outcome, output }: Operation): boolean =>
  op === 'update' && outcome === 'ok' && (output as { applied?: boolean } | undefined)?.applied === false

interface Required {
  item: Item | null
  free: Set<string>
}

const requirements = new WeakMap<Operation, Required | undefined>()

/** The item that must have stood there before the operation; fields in `free` may have been anything. */
function requiredBefore(operation: Operation): Required | undefined {
  if (!requirements.has(operation)) requirements.set(operation, findRequired(operation))
  return requirements.get(operation)
}

function findRequired({ op, input, output }: Operation): Required | undefined {
  if (op === 'get') return { item: (output as Item | null) ?? null, free: new Set() }
  const { applied, item } = (output ?? { applied: true }) as { applied: boolean; item?: Item | null }
  if (item === undefined) return undefined
  if (!applied || item === null) return { item, free: new Set() }
  const { set = {}, add = {}, remove = [] } = input as ItemUpdate
  const before: Item = { ...item }
  for (const [field, amount] of Object.entries(add)) before[field] = (before[field] as number) - amount
  return { item: before, free: new Set([...Object.keys(set), ...remove]) }
}

/** Whether the open updates could bring one field from what it is to what it must be. */
function fieldReachable(field: string, now: unknown, wanted: unknown, updates: readonly Open[]): boolean {
  const adds: [number, number][] = []
  for (const [{ input }, count] of updates) {
    const { set = {}, add = {}, remove = [] } = input as ItemUpdate
    if (field in set || remove.includes(field)) return true
    if (field in add) adds.push([add[field]!, count])
  }
  if (adds.length === 0 || typeof wanted !== 'number') return false
  const sums = reachableSums(adds)
  return sums === undefined || sums.has(wanted - (typeof now === 'number' ? now : 0))
}

/** Whether the open updates could lead from an item to one in which the operation is possible: by field. */
function reachable(from: Item | null, operation: Operation, updates: readonly Open[]): 'now' | 'yes' | 'no' {
  const { item, free } = requiredBefore(operation)!
  const fields = new Set([...Object.keys(from ?? {}), ...Object.keys(item ?? {})])
  const { add = {}, if: condition } = operation.op === 'update' ? (operation.input as ItemUpdate) : {}
  const exact = operation.op === 'get' || isRefused(operation)
  if (item === null && from !== null) return exact ? 'no' : 'yes'
  let differs = exact && item !== null && from === null
  for (const field of fields) {
    if (free.has(field)) continue
    // A field that was added to may have been missing before, which counts as 0
    const now = field in add ? (from?.[field] ?? 0) : from?.[field]
    if (canonical(now) === canonical(item?.[field])) continue
    if (!fieldReachable(field, now, item?.[field], updates)) return 'no'
    differs = true
  }
  return differs || (!exact && !meets(from, condition)) ? 'yes' : 'now'
}

/** See Model.useful: decides field by field, and drops what a later `set` or `delete` would overwrite. */
export function itemUseful(state: Item | null, operation: Operation, open: readonly Open[]): boolean[] {
  if (operation.op === 'set' || operation.op === 'delete') return open.map(() => false)
  if (requiredBefore(operation) === undefined) return open.map(() => true)
  const updates = open.filter(([{ op }]) => op === 'update')
  const byUpdates = reachable(state, operation, updates)
  if (byUpdates === 'now') return open.map(() => false)
  return open.map(([{ op, input }]) => {
    if (op === 'update') return byUpdates === 'yes'
    return reachable(op === 'set' ? (input as Item) : null, operation, updates) !== 'no'
  })
}
