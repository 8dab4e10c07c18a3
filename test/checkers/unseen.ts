/** What the search for a linearization can know about written values before it starts. */
import type { Item, ItemUpdate } from './item-model.ts'
import { isRefused } from './item-model.ts'
import type { Operation } from './operations.ts'

/** Stands for every value that nobody saw: which of them it was makes no difference to anybody. */
export const UNSEEN = '(a value that nobody saw)'

function collectStrings(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') into.add(value)
  else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) collectStrings(inner, into)
  }
}

/** Makes strings equal that only operations of unknown outcome wrote and no result or condition mentions. */
export function maskUnseen(operations: readonly Operation[]): Operation[] {
  const seen = new Set<string>()
  for (const { op, outcome, input, output } of operations) {
    collectStrings(output, seen)
    if (op === 'update') collectStrings((input as ItemUpdate).if, seen)
    // What a known operation wrote stays as it is, in case it is shown next to what others wrote
    if (outcome === 'ok') collectStrings(input, seen)
  }
  const mask = (item: Item): Item =>
    Object.fromEntries(
      Object.entries(item).map(([name, it]) => [name, typeof it === 'string' && !seen.has(it) ? UNSEEN : it]),
    )
  return operations.map((operation) => {
    const { op, outcome, input } = operation
    if (outcome !== 'info') return operation
    if (op === 'set') return { ...operation, input: mask(input as Item) }
    const update = input as ItemUpdate
    if (op !== 'update' || !update.set) return operation
    return { ...operation, input: { ...update, set: mask(update.set) } }
  })
}

/**
 * The only writer of each string in each field, if there is one. Once it is done and its string gone, a
 * result that shows the string can never come true.
 */
function soleWriters(
  operations: readonly Operation[],
  initial: Item | null,
): Map<string, Operation | undefined> {
  const writers = new Map<string, Operation | undefined>()
  for (const [field, value] of Object.entries(initial ?? {})) writers.set(`${field}=${value}`, undefined)
  for (const operation of operations) {
    const { op, input } = operation
    const written = op === 'set' ? (input as Item) : op === 'update' ? (input as ItemUpdate).set : undefined
    for (const [field, value] of Object.entries(written ?? {})) {
      if (typeof value !== 'string') continue
      const name = `${field}=${value}`
      writers.set(name, writers.has(name) ? undefined : operation)
    }
  }
  return writers
}

/** See Prepared.hopeless: by strings that one operation alone wrote. */
export function hopelessByWriter(operations: readonly Operation[], initial: Item | null) {
  const writers = soleWriters(operations, initial)
  const needs = new Map<Operation, { field: string; value: unknown; writer: Operation }[]>()
  for (const operation of operations) {
    const { op, outcome, input, output } = operation
    if (outcome !== 'ok') continue
    const result = output as { item?: Item | null } | undefined
    const shown = (op === 'get' ? (output as Item | null) : op === 'update' ? result?.item : undefined) ?? {}
    const { set = {} } = (op === 'update' && !isRefused(operation) ? input : {}) as ItemUpdate
    const list = Object.entries(shown).flatMap(([field, value]) => {
      const writer = field in set ? undefined : writers.get(`${field}=${value}`)
      return typeof value === 'string' && writer ? [{ field, value, writer }] : []
    })
    if (list.length > 0) needs.set(operation, list)
  }
  return (state: Item | null, operation: Operation, isDone: (operation: Operation) => boolean): boolean =>
    needs.get(operation)?.some(({ field, value, writer }) => state?.[field] !== value && isDone(writer)) ??
    false
}
