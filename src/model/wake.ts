import type { Runtime } from '../runtime.ts'
import { queueOfShard } from './key-names.ts'

type Listeners = Map<string, Set<() => void>>

const registries = new WeakMap<Runtime, Listeners>()

function listenersOf(runtime: Runtime): Listeners {
  let listeners = registries.get(runtime)
  if (!listeners) {
    listeners = new Map()
    registries.set(runtime, listeners)
  }
  return listeners
}

/**
 * Calls the listener after every push to a queue of this name, or a shard of it, or to a family of this name, by any database object on this
 * runtime, so that waiting consumers of this process look at once. Two databases with queues of one name only make
 * each other look once more. Returns a function that removes the listener.
 */
export function onPush(runtime: Runtime, pk: string, listener: () => void): () => void {
  const listeners = listenersOf(runtime)
  const all = listeners.get(pk) ?? new Set()
  listeners.set(pk, all.add(listener))
  return () => {
    all.delete(listener)
    if (all.size === 0 && listeners.get(pk) === all) listeners.delete(pk)
  }
}

export function announcePush(runtime: Runtime, pk: string, family?: string): void {
  const listeners = listenersOf(runtime)
  for (const name of new Set([pk, queueOfShard(pk), ...(family === undefined ? [] : [family])]))
    for (const listener of listeners.get(name) ?? []) listener()
}
