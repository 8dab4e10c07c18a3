import { queueOfPlace } from '../model/key-names.ts'

/** Whether a queue is of a family: rows that belong to the family itself go on with `#`. */
const isOfFamily = (queue: string, family: string): boolean =>
  queue.startsWith(family) && queue.length > family.length && queue[family.length] !== '#'

type Wakes = Map<string, Set<() => void>>

/** Who is to be woken, by the names of queues. */
export class Listeners {
  readonly #byQueue: Wakes = new Map()
  readonly #byFamily: Wakes = new Map()

  get isEmpty(): boolean {
    return this.#byQueue.size + this.#byFamily.size === 0
  }

  /** Returns what takes it off again. */
  add(name: string, wake: () => void, isFamily = false): () => void {
    const listeners = isFamily ? this.#byFamily : this.#byQueue
    // The same function may listen twice.
    const one = () => wake()
    const all = listeners.get(name) ?? new Set()
    listeners.set(name, all.add(one))
    return () => {
      all.delete(one)
      if (all.size === 0 && listeners.get(name) === all) listeners.delete(name)
    }
  }

  wakeAll(): void {
    for (const listeners of [this.#byQueue, this.#byFamily])
      for (const all of [...listeners.values()]) wake(all)
  }

  /** Those whose messages lie in one of these partitions, each once. */
  wake(partitions: readonly string[]): void {
    const queues = new Set(partitions.flatMap((pk) => [pk, queueOfPlace(pk)]))
    for (const queue of queues) wake(this.#byQueue.get(queue))
    for (const [family, all] of [...this.#byFamily])
      if ([...queues].some((queue) => isOfFamily(queue, family))) wake(all)
  }
}

function wake(all: ReadonlySet<() => void> = new Set()): void {
  for (const one of [...all]) one()
}
