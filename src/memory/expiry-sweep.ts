import { compareNumbers, isNumeric } from '../engine/numbers.ts'
import { utf8Order } from '../engine/values.ts'
import type { Row } from '../storage.ts'
import type { Partition } from './partition.ts'

const rowsPerStep = 4
/** An expired row stays for a while, as in DynamoDB: clocks of several processes differ. */
const keptSeconds = 60 * 60

/**
 * Frees expired rows. Each write looks at the next few rows, round and round, so that the rows kept are at most about
 * a third more than those that live. Does nothing while no row can expire.
 */
export class ExpirySweep {
  readonly #partitions: Map<string, Partition>
  #round: Iterator<string> | undefined
  #pk: string | undefined
  #after: string | undefined
  /** Whether a row that can expire was met or written since the round began. */
  #met = false

  constructor(partitions: Map<string, Partition>) {
    this.#partitions = partitions
  }

  /** After each write. */
  step(written: Row, nowMs: number): void {
    if (written.ttl !== undefined) this.#met = true
    if (!this.#round && !this.#met) return
    const limit = Math.floor(nowMs / 1000) - keptSeconds
    // To begin with another partition counts as a row: a step is short also where there are many small ones.
    for (let left = rowsPerStep; left > 0; ) {
      if (this.#pk === undefined) {
        if (!this.#next()) return
        left--
      } else left -= this.#lookAt(left, limit)
    }
  }

  /** To the next partition; false at the end of the round. */
  #next(): boolean {
    this.#round ??= this.#begin()
    const { value, done } = this.#round.next()
    this.#after = undefined
    this.#pk = done ? undefined : value
    if (done) this.#round = undefined
    return !done
  }

  #begin(): Iterator<string> {
    this.#met = false
    return this.#partitions.keys()
  }

  /** Looks at up to so many rows of the partition; frees those that have expired. */
  #lookAt(most: number, limit: number): number {
    const partition = this.#pk === undefined ? undefined : this.#partitions.get(this.#pk)
    const expired: Row[] = []
    let looked = 0
    if (partition) {
      for (const row of partition.walk(this.#after, false, false)) {
        if (looked === most) break
        looked++
        this.#after = utf8Order(row.sk)
        if (row.ttl !== undefined) this.#met = true
        if (isNumeric(row.ttl) && compareNumbers(row.ttl, limit) <= 0) expired.push(row)
      }
      for (const { sk } of expired) partition.delete(sk)
      if (partition.size === 0) this.#partitions.delete(this.#pk!)
    }
    if (looked < most) this.#pk = undefined
    return looked
  }
}
