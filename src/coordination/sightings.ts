import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { nameOf } from './coordination-key.ts'
import type { MutexRow } from './mutex/mutex-row.ts'

/** A row that has not changed since. */
interface Sighting {
  /** By the monotonic clock of this process. */
  since: number
  /** The holder's lease, ms; null: until it is released. */
  leaseMs: number | null
}

/** So many are remembered per process. */
const most = 10_000

/**
 * Since when this process has seen a row unchanged. Kept for the process and not for an object, so that objects that
 * live for one try each see a crashed holder's lease end all the same. A beat is never written twice.
 */
const sightings = new WeakMap<Runtime, Map<string, Sighting>>()

/** Notes that the row was seen; returns how long it still lasts as far as this process has seen. */
export function remainingAsSeen(runtime: Runtime, key: AtomicDbItemKey, row: MutexRow): number {
  let seen = sightings.get(runtime)
  if (!seen) {
    seen = new Map()
    sightings.set(runtime, seen)
  }
  const name = `${nameOf(key)}/${row.beat}`
  let sighting = seen.get(name)
  if (!sighting) {
    sighting = { since: runtime.monotonic(), leaseMs: row.leaseMs }
    seen.set(name, sighting)
    if (seen.size > most) seen.delete(seen.keys().next().value!)
  }
  if (sighting.leaseMs === null) return Number.POSITIVE_INFINITY
  return sighting.since + sighting.leaseMs - runtime.monotonic()
}
