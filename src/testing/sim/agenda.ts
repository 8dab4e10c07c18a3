/** Something that will happen. */
export interface Planned {
  /** Simulated milliseconds. */
  at: number
  /** Decides between events of one moment. */
  tie: number
  run: () => void
}

const before = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie)

/** What will happen, the next first: a binary heap. */
export class Agenda {
  readonly #heap: Planned[] = []

  get size(): number {
    return this.#heap.length
  }

  add(planned: Planned): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(planned)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(planned, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = planned
  }

  next(): Planned | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}
