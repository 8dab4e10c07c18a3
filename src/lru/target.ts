import type { AtomicDbItemKey } from '../interface.ts'
import type { Effect } from '../model/effects.ts'
import { queueOfShard } from '../model/key-names.ts'
import { keyText } from '../model/keys.ts'

/** What a write may change, by the names under which the cache knows rows and partitions. */
export interface Target {
  texts: readonly string[]
  partitions: readonly string[]
  everything: boolean
}

/** The shards of a queue go by one name. */
export const partitionOf = ({ pk }: AtomicDbItemKey): string => queueOfShard(pk)

export const rowsTarget = (keys: readonly AtomicDbItemKey[]): Target => ({
  texts: keys.map(keyText),
  partitions: [],
  everything: false,
})

export const targetOf = ({ keys, partitions = [], everything }: Effect): Target => ({
  texts: keys.map(keyText),
  partitions: partitions.map(queueOfShard),
  everything: everything === true,
})
