/** Which coordination row a row is, and what it says of its holders. */
import type { AtomicDbItem } from '../../interface.ts'
import { isNumeric } from '../../model/numbers.ts'

/** One holder of a lease, or one that waits for it. */
export interface Holder {
  id: string
  label?: string
  role: 'owner' | 'permit' | 'writer' | 'reader' | 'waits'
  /** Epoch ms by the clock of the holder. Absent: until it is released. */
  until?: number
  since?: number
  /** The length of the lease, ms, where the row says it. */
  leaseMs?: number
  /** The row of its process. */
  process?: { pk: string; sk: string }
}

/** A mutex, semaphore or read-write lock, as its row says. */
export interface LeaseRow {
  pk: string
  sk: string
  kind: 'mutex' | 'semaphore' | 'read-write lock'
  token?: number
  holders: Holder[]
  line: Holder[]
}

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Set)

const timeOf = (value: unknown): number | undefined => (isNumeric(value) ? Number(value) : undefined)

/** Ids and deadlines, as semaphores and readers have them. */
function holdersIn(given: unknown, role: Holder['role']): Holder[] {
  if (!isFields(given)) return []
  return Object.entries(given).map(([id, until]) => ({ id, role, until: timeOf(until) }))
}

function lineIn(given: unknown): Holder[] {
  if (!Array.isArray(given)) return []
  return given
    .filter(isFields)
    .map(({ id, until }) => ({ id: String(id), role: 'waits' as const, until: timeOf(until) }))
}

function mutexIn(data: Fields): Pick<LeaseRow, 'holders' | 'line'> {
  const { owner, until, since, label, leaseMs, process, line } = data
  if (typeof owner !== 'string') return { holders: [], line: lineIn(line) }
  const holder: Holder = { id: owner, role: 'owner', until: timeOf(until), since: timeOf(since) }
  if (typeof label === 'string') holder.label = label
  if (timeOf(leaseMs) !== undefined) holder.leaseMs = timeOf(leaseMs)
  if (isFields(process)) holder.process = { pk: String(process.pk), sk: String(process.sk) }
  return { holders: [holder], line: lineIn(line) }
}

function lockIn({ writer, readers, pending }: Fields): Pick<LeaseRow, 'holders' | 'line'> {
  const one = (given: unknown, role: Holder['role']): Holder[] =>
    isFields(given) ? [{ id: String(given.id), role, until: timeOf(given.until) }] : []
  return { holders: [...one(writer, 'writer'), ...holdersIn(readers, 'reader')], line: one(pending, 'waits') }
}

/** What an item is, if a coordination class has written it. */
export function leaseRowOf({ pk, sk, data }: Pick<AtomicDbItem, 'pk' | 'sk' | 'data'>): LeaseRow | undefined {
  if (!isFields(data)) return undefined
  const token = timeOf(data.token)
  if (token !== undefined && 'owner' in data && 'beat' in data)
    return { pk, sk, kind: 'mutex', token, ...mutexIn(data) }
  if (isFields(data.holders) && Object.keys(data).length === 1)
    return { pk, sk, kind: 'semaphore', holders: holdersIn(data.holders, 'permit'), line: [] }
  const names = Object.keys(data)
  const isLock =
    names.length > 0 &&
    names.every((name) => ['token', 'writer', 'readers', 'pending'].includes(name)) &&
    (isFields(data.readers) || isFields(data.writer) || isFields(data.pending))
  return isLock ? { pk, sk, kind: 'read-write lock', token, ...lockIn(data) } : undefined
}
