import { hashOf } from '../model/hash.ts'
import { hashRange, scanPage } from '../model/scan-page.ts'
import { utf8Order } from '../model/values.ts'
import { shownRow } from '../model/wire.ts'
import type { Row, Scan, ScanPage } from '../storage.ts'
import { ascending, BTree } from './btree.ts'
import type { Partition } from './partition.ts'

/**
 * All partitions by their keys. The first scan puts them in an order, which is kept from then on: by a hash of the key,
 * as DynamoDB does, so that nobody comes to rely on another one and a segment is a range of it.
 */
export class Partitions extends Map<string, Partition> {
  #order: InstanceType<typeof BTree<string, string>> | undefined

  override set(pk: string, partition: Partition): this {
    this.#order?.set(placeOf(pk), pk)
    return super.set(pk, partition)
  }

  override delete(pk: string): boolean {
    this.#order?.delete(placeOf(pk))
    return super.delete(pk)
  }

  scan(scan: Scan): ScanPage {
    return scanPage(scan, this.#rows(scan), shownRow)
  }

  *#rows({ segment = 0, segments = 1, after }: Scan): Iterable<Row> {
    const [low, high] = hashRange(segment, segments)
    const start = after ? placeOf(after.pk) : hex(low)
    // Of the last segment no place is behind the end: that is all of them.
    const end = segment === segments - 1 ? '~' : hex(high)
    for (const [place, pk] of this.#ordered().entries(start)) {
      if (place >= end) return
      const from = pk === after?.pk ? utf8Order(after.sk) : undefined
      yield* this.get(pk)!.walk(from, false, false)
    }
  }

  #ordered(): InstanceType<typeof BTree<string, string>> {
    this.#order ??= new BTree<string, string>(
      [...this.keys()].map((pk) => [placeOf(pk), pk] as [string, string]),
      ascending,
    )
    return this.#order
  }
}

const hex = (hash: number): string => hash.toString(16).padStart(8, '0')
/** The hash in front; the key behind it, for two keys with one hash. */
const placeOf = (pk: string): string => hex(hashOf(pk)) + pk
