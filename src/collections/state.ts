import type { AtomicDbItemKey } from '../interface.ts'
import { hashOf } from '../model/hash.ts'
import { loneSk } from '../model/key-names.ts'
import type { Definition } from './definition.ts'
import type { IndexDefinition } from './index-definition.ts'

/**
 * What all programs know of a collection together: one row, `users##state`.
 *
 * | attribute | |
 * |---|---|
 * | `fence` | no program of an earlier version may write |
 * | `complete` | every item is of this version or a later one, so the indexes up to it are whole |
 * | `w1`, `w2`, ... | until when programs of this version may write, epoch ms: a promise that only grows |
 * | `i:team` | the form of the index `team` |
 * | `pass` | how far a migration has come |
 */
export interface CollectionState {
  readonly fence?: number
  readonly complete?: number
  readonly pass?: unknown
  readonly [attribute: string]: unknown
}

export const stateKey = ({ name }: Definition): AtomicDbItemKey => ({ pk: `${name}##state`, sk: loneSk })

export const writersOf = (version: number): string => `w${version}`

/** Until when programs of each version may write. */
export function writersIn(state: CollectionState): { version: number; until: number }[] {
  return Object.entries(state).flatMap(([name, until]) => {
    const version = /^w(\d+)$/.exec(name)?.[1]
    return version !== undefined && typeof until === 'number' ? [{ version: Number(version), until }] : []
  })
}

export const completeIn = (state: CollectionState): number => state.complete ?? 1
export const fenceIn = (state: CollectionState): number => state.fence ?? 1

const formName = 'i:'
export const formAttribute = (index: string): string => formName + index

/** The names of indexes that have a form. */
export const formsIn = (state: CollectionState): string[] =>
  Object.keys(state).flatMap((name) => (name.startsWith(formName) ? [name.slice(formName.length)] : []))

/** What two programs must agree on to keep one index: what makes its keys, and what entries hold as of a version. */
export interface IndexForm {
  readonly since: number
  readonly changed: number
  readonly keys: string
  readonly held: string
}

export function formOf({ dates, ttl }: Definition, index: IndexDefinition): IndexForm {
  const { unique, key, sort, order, where, count, held, since, changed } = index
  const typed = where.map(([field, values]) => [field, values.map((value) => `${typeof value} ${value}`)])
  const dated = [...key, ...order].filter((field) => dates.has(field))
  return {
    since,
    changed,
    keys: textOf([unique, key, sort, order, typed, count, dated]),
    held: textOf([held, ttl ?? null]),
  }
}

/** In the place of the form of an index that was removed: its name is not used again, since late deletes may be under way. */
export const goneForm = 'gone'

export const sinceOf = (form: unknown): number => parseForm(form)?.since ?? 1

const textOf = (value: unknown): string => hashOf(JSON.stringify(value)).toString(36)

export const formText = ({ since, changed, keys, held }: IndexForm): string =>
  [since, changed, keys, held].join('.')

export function parseForm(text: unknown): IndexForm | undefined {
  const [since, changed, keys, held] = typeof text === 'string' ? text.split('.') : []
  if (since === undefined || changed === undefined || keys === undefined || held === undefined)
    return undefined
  return { since: Number(since), changed: Number(changed), keys, held }
}
