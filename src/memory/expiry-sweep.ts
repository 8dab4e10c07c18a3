import { keptExpiredSeconds } from '../model/expiry.ts'
import { compareNumbers, isNumeric } from '../model/numbers.ts'
import { utf8Order } from '../model/values.ts'
import type { Runtime } from '../runtime.ts'
import type { Row } from '../storage.ts'
import type { Partition } from './partition.ts'

/** Together, because to find the place where the sweep left off costs more than to look at a row. */
const writesPerStep = 16
const rowsPerStep = 4 * writesPerStep

/**
 * Frees expired rows. Once the first of them may have expired, every few writes look at the next few rows, round and
 * round, so that the rows kept are at most about a third more than those that live. Until then a write costs nothing.
 */
export class ExpirySweep {
  readonly #partitions: Map<string, Partition>
  #round: Iterator<string> | undefined
  #pk: string | undefined
  #after: string | undefined
  #writes = 0
  /** No row expires before this, epoch seconds. */
  #earliest = Number.POSITIVE_INFINITY
  /** The same for the rows that were met or written since the round began. */
  #met = Number.POSITIVE_INFINITY

  constructor(partitions: Map<string, Partition>) {
    this.#partitions = partitions
  }

  /** After each write. */
  step({ ttl }: Row, clock: Pick<Runtime, 'now'>): void {
    if (ttl !== undefined) this.#note(ttl)
    if (!this.#round && this.#earliest === Number.POSITIVE_INFINITY) return
    if (++this.#writes < writesPerStep) return
    this.#writes = 0
    const limit = Math.floor(clock.now() / 1000) - keptExpiredSeconds
    if (!this.#round && limit < this.#earliest) return
    // To begin with another partition counts as a row: a step is short also where there are many small ones.
    for (let left = rowsPerStep; left > 0; ) {
      if (this.#pk === undefined) {
        if (!this.#next()) return
        left--
      } else left -= this.#lookAt(left, limit)
    }
  }

  /** A `ttl` that is no number never expires. */
  #note(ttl: unknown): void {
    if (!isNumeric(ttl)) return
    const seconds = Number(ttl)
    if (seconds < this.#earliest) this.#earliest = seconds
    if (seconds < this.#met) this.#met = seconds
  }

  /** To the next partition; false at the end of the round. */
  #next(): boolean {
    this.#round ??= this.#begin()
    const { value, done } = this.#round.next()
    this.#after = undefined
    this.#pk = done ? undefined : value
    if (done) {
      this.#round = undefined
      this.#earliest = this.#met
    }
    return !done
  }

  #begin(): Iterator<string> {
    this.#met = Number.POSITIVE_INFINITY
    return this.#partitions.keys()
  }

  /** Looks at a limited number of rows of the partition, and frees those that have expired. */
  #lookAt(most: number, limit: number): number {
    const partition = this.#pk === undefined ? undefined : this.#partitions.get(this.#pk)
    const expired: Row[] = []
    let last: Row | undefined
    let looked = 0
    if (partition) {
      for (const row of partition.walk(this.#after, false, false)) {
        if (looked === most) break
        looked++
        last = row
        if (row.ttl === undefined) continue
        if (isNumeric(row.ttl) && compareNumbers(row.ttl, limit) <= 0) expired.push(row)
        else this.#note(row.ttl)
      }
      if (last) this.#after = utf8Order(last.sk)
      for (const { sk } of expired) partition.delete(sk)
      if (partition.size === 0) this.#partitions.delete(this.#pk!)
    }
    if (looked < most) this.#pk = undefined
    return looked
  }
}
