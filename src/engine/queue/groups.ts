import type { Row } from '../../storage.ts'
import { isLive } from '../conditions.ts'
import { rowBytes, utf8Order } from '../values.ts'
import { isMessage } from './messages.ts'

/** What a process knows of a message of a strict queue: enough to see whose turn it is, without reading it again. */
export interface Known {
  sk: string
  group: string
  /** Received before: in processing, or waiting for its retry. */
  received: boolean
  receives: number
  /** Before that it is not given out, epoch ms. */
  due: number
  ttl: number | undefined
  /** This process holds or gave back what it says; else it is what was read. */
  ours: boolean
  /**
   * It can have become available when one behind it was given out already: it was pushed with a delay, or appeared
   * before others of its group.
   */
  late: boolean
  /** When it was read again, by the monotonic clock. */
  readAt: number
}

/** Whole readings for what appears among the messages known already may take so many RRU a second. */
const rate = 2
/** Looks at what others hold, before it is time for another one: so many at once, and so many a second. */
const earlyLooks = 10
const earlyLooksPerSecond = 1

/** Also where that did not count. */
export const wasReceived = (row: Row): boolean => (row.n as number) > 0 || row.first !== undefined

export const isBehind = (a: Known, b: Known): boolean => utf8Order(a.sk) > utf8Order(b.sk)

/** The messages of a queue by group, in order: read once, then kept up to date. */
export class Groups {
  readonly #groups = new Map<string, Known[]>()
  readonly #bySk = new Map<string, Known>()
  /** The last key that was read. */
  #end: string | undefined
  #bytes = 0
  #nextReading = Number.NEGATIVE_INFINITY
  #seen: Set<string> | undefined
  #looks = earlyLooks
  #looksAt = 0
  /** When the last page behind all that is known was read, epoch ms. */
  readUntil = 0
  /** A reading from the start that is under way. */
  reading: Promise<void> | undefined

  get end(): string | undefined {
    return this.#end
  }

  get groups(): Iterable<readonly Known[]> {
    return this.#groups.values()
  }

  get isReadingAll(): boolean {
    return this.#seen !== undefined
  }

  of(group: string): readonly Known[] {
    return this.#groups.get(group) ?? []
  }

  needsReading(monotonic: number): boolean {
    return monotonic >= this.#nextReading
  }

  beginReading(): void {
    this.#end = undefined
    this.#bytes = 0
    this.#seen = new Set()
  }

  /** A page of a reading from the start, or of what is behind all that is known. */
  add(rows: readonly Row[], nowSeconds: number, monotonic: number): void {
    for (const row of rows) {
      if (this.#end === undefined || utf8Order(row.sk) > utf8Order(this.#end)) this.#end = row.sk
      this.#bytes += rowBytes(row)
      if (!isMessage(row) || !isLive(row, nowSeconds)) continue
      this.#seen?.add(row.sk)
      this.update(row, monotonic)
    }
  }

  /** What a whole reading has not come across is gone; what this process pushed since lies behind it. */
  endReading(monotonic: number): void {
    const seen = this.#seen ?? new Set()
    this.#seen = undefined
    for (const { sk } of [...this.#bySk.values()]) if (!seen.has(sk)) this.remove(sk)
    this.#nextReading = monotonic + Math.max(1000, (this.#bytes / 4096 / rate) * 1000)
  }

  /** How many early looks there may be now. */
  earlyLooks(monotonic: number): number {
    const more = ((monotonic - this.#looksAt) / 1000) * earlyLooksPerSecond
    this.#looks = Math.min(earlyLooks, this.#looks + more)
    this.#looksAt = monotonic
    return Math.floor(this.#looks)
  }

  /** Looks that were taken, early or not. */
  looked(count: number): void {
    this.#looks = Math.max(0, this.#looks - count)
  }

  /** A row as it is now. */
  update(row: Row, monotonic: number): Known {
    const due = (row.due as number | undefined) ?? 0
    const receives = row.n as number
    let known = this.#bySk.get(row.sk)
    if (!known) {
      const group = (row.g as string | undefined) ?? ''
      const late = !wasReceived(row) && due > 0
      known = {
        sk: row.sk,
        group,
        received: false,
        receives,
        due,
        ttl: row.ttl,
        ours: false,
        late,
        readAt: 0,
      }
      this.#insert(known)
    }
    Object.assign(known, { due, receives, received: wasReceived(row), ours: false, readAt: monotonic })
    return known
  }

  #insert(known: Known): void {
    this.#bySk.set(known.sk, known)
    const members = this.#groups.get(known.group) ?? []
    this.#groups.set(known.group, members)
    let place = members.length
    while (place > 0 && isBehind(members[place - 1]!, known)) place--
    if (place < members.length) known.late = true
    members.splice(place, 0, known)
  }

  /** This process claimed it, gave it back or extended it. */
  change(sk: string, due: number): void {
    const known = this.#bySk.get(sk)
    if (known) Object.assign(known, { due, received: true, ours: true })
  }

  remove(sk: string): void {
    const known = this.#bySk.get(sk)
    if (!known) return
    this.#bySk.delete(sk)
    const members = this.#groups.get(known.group)!
    const place = members.indexOf(known)
    members.splice(place, 1)
    if (members.length === 0) this.#groups.delete(known.group)
  }
}
