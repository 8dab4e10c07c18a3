import { queueOfShard } from '../model/key-names.ts'

/** The queue whose messages lie in a partition beside it: its shards, scheduled and urgent ones. */
const queueOfPartition = (pk: string): string => queueOfShard(pk).replace(/#(scheduled|priority\d)$/, '')

/** Whether the name may be that of a family of this queue. A queue whose name begins so is woken for nothing: one look. */
const isOfFamily = (queue: string, name: string): boolean =>
  queue.startsWith(name) && queue.length > name.length && queue[name.length] !== '#'

/** Who is to be woken, by the names of queues. */
export class Listeners {
  readonly #byQueue = new Map<string, Set<() => void>>()

  get isEmpty(): boolean {
    return this.#byQueue.size === 0
  }

  /** Returns what takes it off again. */
  add(queue: string, wake: () => void): () => void {
    // The same function may listen twice.
    const one = () => wake()
    const all = this.#byQueue.get(queue) ?? new Set()
    this.#byQueue.set(queue, all.add(one))
    return () => {
      all.delete(one)
      if (all.size === 0 && this.#byQueue.get(queue) === all) this.#byQueue.delete(queue)
    }
  }

  wakeAll(): void {
    for (const queue of [...this.#byQueue.keys()]) this.#wake(queue)
  }

  /** Those whose messages lie in one of these partitions, each once. */
  wake(partitions: readonly string[]): void {
    const queues = [...new Set(partitions.flatMap((pk) => [pk, queueOfPartition(pk)]))]
    for (const name of [...this.#byQueue.keys()])
      if (queues.some((queue) => queue === name || isOfFamily(queue, name))) this.#wake(name)
  }

  #wake(queue: string): void {
    for (const wake of [...(this.#byQueue.get(queue) ?? [])]) wake()
  }
}
