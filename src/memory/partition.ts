import { utf8Order } from '../model/values.ts'
import type { Row } from '../storage.ts'
import { ascending, BTree } from './btree.ts'

const smallSize = 32

/**
 * The rows of one partition key in order of `sk`. A sorted array while they are few, because most partitions are
 * small and an array costs the least memory; a B+ tree from there.
 */
export class Partition {
  #keys: string[] | undefined = []
  #rows: Row[] = []
  #tree: InstanceType<typeof BTree<string, Row>> | undefined

  get size(): number {
    return this.#tree ? this.#tree.size : this.#rows.length
  }

  get(sk: string): Row | undefined {
    const key = utf8Order(sk)
    if (this.#tree) return this.#tree.get(key)
    const at = this.#find(key)
    return this.#keys![at] === key ? this.#rows[at] : undefined
  }

  set(row: Row): void {
    const key = utf8Order(row.sk)
    if (this.#tree) {
      this.#tree.set(key, row)
      return
    }
    const at = this.#find(key)
    if (this.#keys![at] === key) this.#rows[at] = row
    else {
      this.#keys!.splice(at, 0, key)
      this.#rows.splice(at, 0, row)
      if (this.#rows.length > smallSize) this.#grow()
    }
  }

  delete(sk: string): void {
    const key = utf8Order(sk)
    if (this.#tree) {
      this.#tree.delete(key)
      return
    }
    const at = this.#find(key)
    if (this.#keys![at] !== key) return
    this.#keys!.splice(at, 1)
    this.#rows.splice(at, 1)
  }

  /** Rows from `from` on: those whose ordered key is above (or at, with `inclusive`) it, ascending or descending. */
  *walk(from: string | undefined, inclusive: boolean, reverse: boolean): Generator<Row> {
    if (this.#tree) {
      const entries = reverse ? this.#tree.entriesReversed(from) : this.#tree.entries(from)
      for (const [key, row] of entries) {
        if (!inclusive && key === from) continue
        yield row
      }
      return
    }
    const keys = this.#keys!
    let at = from === undefined ? (reverse ? keys.length : 0) : this.#find(from)
    const hit = from !== undefined && keys[at] === from
    if (reverse) {
      for (let i = hit && inclusive ? at : at - 1; i >= 0; i--) yield this.#rows[i]!
    } else {
      if (hit && !inclusive) at++
      for (let i = at; i < keys.length; i++) yield this.#rows[i]!
    }
  }

  #grow(): void {
    this.#tree = new BTree<string, Row>(
      this.#keys!.map((key, i) => [key, this.#rows[i]!] as [string, Row]),
      ascending,
    )
    this.#keys = undefined
    this.#rows = []
  }

  /** Position of the key, or where it would be. */
  #find(key: string): number {
    const keys = this.#keys!
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
