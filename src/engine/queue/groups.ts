import { isLive } from '../../model/expiry.ts'
import { isMessage, type MessageRow, wasReceived } from '../../model/message-row.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import { isBeyond } from './order.ts'

/** What a process knows of a message of a strict queue: enough to see whose turn it is, without reading it again. */
export interface Known {
  sk: string
  group: string
  /** Received before: in processing, or waiting for its retry. */
  received: boolean
  receives: number
  /** It is not given out before this, epoch ms. */
  due: number
  ttl: number | undefined
  /** This process changed it last; else it is as it was read. */
  ours: boolean
  /**
   * It can have become available when one behind it was given out already: it was pushed with a delay, or appeared
   * before what was read already.
   */
  late: boolean
  /** When it was read again, by the monotonic clock. */
  readAt: number
}

/** What whole readings, for messages that appear among the known ones, may take: RRU per second. */
const rate = 2
/** Reads of what other processes hold before it is time for them: at once, and one more in each such time, ms. */
const earlyLooks = 10
const msPerEarlyLook = 1000

export const isBehind = (a: Known, b: Known): boolean => isBeyond(a.sk, b.sk)

/** The messages of a queue by group, in order: read once, then kept up to date. */
export class Groups {
  readonly #groups = new Map<string, Known[]>()
  readonly #bySk = new Map<string, Known>()
  /** The last key that was read, and the last one of earlier readings of the whole. */
  #end: string | undefined
  #seenUpTo: string | undefined
  /** What the reading under way has read. */
  #bytes = 0
  #nextReading = Number.NEGATIVE_INFINITY
  #seen: Set<string> | undefined
  #looks = earlyLooks
  #looksAt = 0
  /** When what lies before the last key was read, epoch ms. */
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
    if (this.#end !== undefined && isBeyond(this.#end, this.#seenUpTo)) this.#seenUpTo = this.#end
    this.#end = undefined
    this.#bytes = 0
    this.#seen = new Set()
  }

  /** A page of a reading from the start, or of what is behind all that is known. */
  add(rows: readonly Row[], nowSeconds: number, monotonic: number): void {
    for (const row of rows) {
      this.#bytes += rowBytes(row)
      if (isMessage(row) && isLive(row, nowSeconds)) {
        this.#seen?.add(row.sk)
        this.update(row, monotonic)
      }
      if (isBeyond(row.sk, this.#end)) this.#end = row.sk
    }
  }

  /** What the whole reading did not find is gone. What this process pushed since then lies behind it. */
  endReading(monotonic: number): void {
    const seen = this.#seen ?? new Set()
    this.#seen = undefined
    for (const { sk } of [...this.#bySk.values()]) if (!seen.has(sk)) this.remove(sk)
    this.#nextReading = monotonic + Math.max(1000, (this.#bytes / 4096 / rate) * 1000)
  }

  /** How many early reads of what others hold are allowed now. */
  earlyLooks(monotonic: number): number {
    const more = (monotonic - this.#looksAt) / msPerEarlyLook
    this.#looks = Math.min(earlyLooks, this.#looks + more)
    this.#looksAt = monotonic
    return Math.floor(this.#looks)
  }

  /** Such reads were made, early or not. */
  looked(count: number): void {
    this.#looks = Math.max(0, this.#looks - count)
  }

  /** A row as it is now. */
  update(row: MessageRow, monotonic: number): Known {
    const { due = 0, n: receives } = row
    const state = { due, receives, received: wasReceived(row), ours: false, readAt: monotonic }
    const before = this.#bySk.get(row.sk)
    if (before) return Object.assign(before, state)
    const isNew = isBeyond(row.sk, this.#end) && isBeyond(row.sk, this.#seenUpTo)
    const late = !state.received && (due > 0 || !isNew)
    const known = { sk: row.sk, group: row.g ?? '', ttl: row.ttl, late, ...state }
    this.#insert(known)
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
