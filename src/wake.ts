import { queueOfShard } from './shards.ts'

const listeners = new Map<string, Set<() => void>>()

/**
 * Told of every push to a queue of this name, or a shard of it, in this process, by whatever database object: waiting
 * consumers look at once. Two databases with queues of one name only make each other look once more. Returns what
 * ends it.
 */
export function onPush(pk: string, listener: () => void): () => void {
  const all = listeners.get(pk) ?? new Set()
  listeners.set(pk, all.add(listener))
  return () => {
    all.delete(listener)
    if (all.size === 0 && listeners.get(pk) === all) listeners.delete(pk)
  }
}

export function announcePush(pk: string): void {
  for (const name of new Set([pk, queueOfShard(pk)]))
    for (const listener of listeners.get(name) ?? []) listener()
}
