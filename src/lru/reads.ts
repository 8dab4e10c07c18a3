import type { AtomicDbItem } from '../interface.ts'
import { sameItem } from '../model/wire.ts'
import type { Moment } from '../runtime.ts'
import type { Target } from './target.ts'

/** What somebody was told of a key. */
export interface Answer {
  item: AtomicDbItem | undefined
}

/** A read of one key that is under way. */
export interface Read {
  readonly text: string
  readonly partition: string
  readonly sent: Moment | undefined
  /** Its answer may be older than something that was written or shown meanwhile. */
  stale: boolean
  /** What others were told of the key meanwhile. */
  heard: Answer | undefined
}

/**
 * Which answers may be kept. Requests and replies overtake each other: of two reads that overlap nobody knows which one
 * saw the newer state, unless both saw the same. So an answer may be kept only if nothing else was written, and
 * nothing else was told, between the moment its read was sent and the moment it arrived.
 */
export class Reads {
  readonly #underWay = new Map<string, Set<Read>>()
  // How many writes are under way, by what they may change.
  readonly #rows = new Map<string, number>()
  readonly #partitions = new Map<string, number>()
  #everything = 0

  begin(text: string, partition: string, sent: Moment | undefined, isDoubtful: boolean): Read {
    const written = this.#rows.has(text) || this.#partitions.has(partition) || this.#everything > 0
    const read: Read = { text, partition, sent, stale: written || isDoubtful, heard: undefined }
    const others = this.#underWay.get(text)
    if (others) others.add(read)
    else this.#underWay.set(text, new Set([read]))
    return read
  }

  end(read: Read): void {
    const all = this.#underWay.get(read.text)
    all?.delete(read)
    if (all?.size === 0) this.#underWay.delete(read.text)
  }

  /** Whether the answer of a read is at least as new as whatever was told of its key before. */
  isNewest(read: Read, item: AtomicDbItem | undefined): boolean {
    return !read.stale && (read.heard === undefined || sameItem(read.heard.item, item))
  }

  /** Somebody is told this of a key: reads of it that are under way may be older, unless they bring the same. */
  tell(text: string, answer: Answer): void {
    for (const read of this.#underWay.get(text) ?? []) {
      if (read.heard === undefined) read.heard = answer
      else if (read.heard !== answer) read.stale = true
    }
  }

  /** A write begins (1) or ends (-1): reads that are under way at any moment of it may see either side. */
  writing({ texts, partitions, everything }: Target, step: 1 | -1): void {
    for (const text of texts) count(this.#rows, text, step)
    for (const partition of partitions) count(this.#partitions, partition, step)
    if (everything) this.#everything += step
    for (const text of texts) this.outdate(text)
    if (partitions.length > 0 || everything)
      this.#outdateAll((read) => everything || partitions.includes(read.partition))
  }

  /** Reads of one key that are under way are not to be kept. */
  outdate(text: string): void {
    for (const read of this.#underWay.get(text) ?? []) read.stale = true
  }

  outdateAll(): void {
    this.#outdateAll(() => true)
  }

  #outdateAll(which: (read: Read) => boolean): void {
    for (const reads of this.#underWay.values()) for (const read of reads) if (which(read)) read.stale = true
  }
}

function count(counts: Map<string, number>, name: string, step: number): void {
  const number = (counts.get(name) ?? 0) + step
  if (number === 0) counts.delete(name)
  else counts.set(name, number)
}
