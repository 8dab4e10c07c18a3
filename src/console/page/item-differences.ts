/** What is different between two states of an item, field by field. */
import type { Item } from './types.ts'

export interface Difference {
  path: string
  /** As JSON; absent: it was not there. */
  before?: string | undefined
  after?: string | undefined
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value))

function collect(before: unknown, after: unknown, path: string, found: Difference[]): void {
  if (text(before) === text(after)) return
  if (!isFields(before) || !isFields(after)) {
    found.push({ path: path || 'data', before: text(before), after: text(after) })
    return
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    collect(before[name], after[name], path === '' ? name : `${path}.${name}`, found)
}

const dataOf = (item: Item | undefined): unknown =>
  item?.json === undefined ? undefined : JSON.parse(item.json)

export function differences(before: Item | undefined, after: Item | undefined): Difference[] {
  const found: Difference[] = []
  collect(dataOf(before), dataOf(after), '', found)
  collect(before?.ttl, after?.ttl, 'ttl', found)
  return found
}
