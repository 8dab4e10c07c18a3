import { randomBytes } from 'node:crypto'
import type { AtomicDbItemKey } from '../interface.ts'
import { keptExpiredSeconds } from '../model/expiry.ts'
import { isNumeric } from '../model/numbers.ts'
import { tokenLifeMs } from '../model/token-memory.ts'
import type { Row, RowWrite } from '../storage.ts'
import { rowFromJson, rowToJson } from '../stores/row-json.ts'
import { versionLength } from './scripts.ts'

/** What a write relies on: a version, that there is no row, or nothing. */
export type Expected = string
export const absent: Expected = ''
export const anything: Expected = '*'

/** One row of a commit. */
export interface Entry {
  readonly key: AtomicDbItemKey
  readonly expected: Expected
  /** What is stored; empty to delete it, `=` to leave it. */
  readonly value: string
  /** For how long the server keeps it, ms; empty for ever. */
  readonly keptMs: string
}

/** A row that stays, as long as it is as expected. */
export const staying = (key: AtomicDbItemKey, expected: Expected): Entry => ({
  key,
  expected,
  value: '=',
  keptMs: '',
})

/** `now`: the time of the caller, epoch ms. */
export function entryOf(write: RowWrite, expected: Expected, now: number): Entry {
  if ('delete' in write) return { key: write.delete, expected, value: '', keptMs: '' }
  const version = randomBytes((versionLength / 4) * 3).toString('base64')
  return { key: write.put, expected, value: version + rowToJson(write.put), keptMs: keptFor(write.put, now) }
}

/** The version of a stored row. */
export const versionOf = (value: string | null): Expected =>
  value === null ? absent : value.slice(0, versionLength)

/** The text of a stored row. */
export const textOf = (value: string): string => value.slice(versionLength)

export const rowOf = ({ pk, sk }: AtomicDbItemKey, value: string | null): Row | undefined =>
  value === null ? undefined : rowFromJson(pk, sk, textOf(value))

const longestMs = 100 * 365 * 24 * 60 * 60 * 1000

/**
 * From the clock of who writes, not of the server: where they differ the row is kept for as long as was meant. Rows stay
 * an hour longer than they count.
 */
function keptFor({ ttl }: Row, now: number): string {
  if (!isNumeric(ttl)) return ''
  const left = Math.max(0, Math.ceil(Number(ttl) * 1000 - now)) + keptExpiredSeconds * 1000
  return left < longestMs ? String(left) : ''
}

/** What the script that commits is given. */
export function commitValues(entries: readonly Entry[], now: number, token = '', outline = ''): string[] {
  const values = [token, outline, String(Math.floor(now)), String(tokenLifeMs)]
  for (const { key, expected, value, keptMs } of entries) values.push(key.pk, key.sk, expected, value, keptMs)
  return values
}
