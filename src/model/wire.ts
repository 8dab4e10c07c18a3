import type { AtomicDbItem } from '../interface.ts'
import type { Row } from '../storage.ts'
import { clone, decimalsShown, equals } from './values.ts'

/**
 * What a row holds exactly, beside what JS can show of it. Numbers of more digits than a JS number has are read as the
 * nearest one; to compare such an item with what is there, its wire form is kept with it in a hidden property: copies that
 * callers make do not carry it, and count as what they show.
 */
const exactForm = Symbol.for('lockrow.exact')

interface Remembering {
  [exactForm]?: Row
}

/** `shown` stands for `exact` from now on. */
export function rememberExact<T extends object>(shown: T, exact: Row): T {
  return Object.defineProperty(shown, exactForm, { value: exact })
}

/** Passes on what `from` stands for, where it is more than it shows. */
export function carryExact<T extends object>(from: object, to: T): T {
  const exact = (from as Remembering)[exactForm]
  return exact === undefined ? to : rememberExact(to, exact)
}

/** The row itself, or the one that it stands for. */
export const exactRow = (row: Row): Row => (row as Remembering)[exactForm] ?? row

/** What is to be compared with what is there. */
export function exactOf(item: { data?: unknown; ttl?: unknown }): { data: unknown; ttl: unknown } {
  const exact = (item as Remembering)[exactForm]
  // Changed by its owner since it was read: then it stands for what it shows.
  if (exact && equals(clone(exact.data), item.data) && equals(clone(exact.ttl), item.ttl))
    return { data: exact.data, ttl: exact.ttl }
  return { data: item.data, ttl: item.ttl }
}

/** A copy that stands for the same. */
export const cloneItem = <T>(item: AtomicDbItem<T>): AtomicDbItem<T> => carryExact(item, clone(item))

/** A copy of a stored row as callers may see it. */
export function shownRow(row: Row): Row {
  const before = decimalsShown.count
  const shown = clone(row)
  return decimalsShown.count === before ? shown : rememberExact(shown, row)
}

/** Whether two items are the same in data and expiry, to the last digit. */
export function sameItem(a: AtomicDbItem | undefined, b: AtomicDbItem | undefined): boolean {
  if (!a || !b) return a === b
  const left = exactOf(a)
  const right = exactOf(b)
  return equals(left.data, right.data) && equals(left.ttl, right.ttl)
}
