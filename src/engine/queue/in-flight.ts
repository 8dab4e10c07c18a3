import type { AtomicDbItemKey } from '../../interface.ts'
import { type Priority, priorityOf } from '../../model/priorities.ts'
import { compareText } from '../../model/values.ts'
import type { Context } from '../context.ts'
import { Groups } from './groups.ts'
import { LevelUse } from './level-use.ts'
import { isBeyond } from './order.ts'
import { arrivedAt, expectedAt } from './places.ts'
import { type Destination, pointerFor } from './pointers.ts'
import { newReadBudget, type ReadBudget, Rescan } from './rescan.ts'

/** So many queues are remembered per database. */
export const maxQueues = 20_000
const maxOwn = 10_000
const maxWindow = 64

/** What all priorities of a partition have together: the groups, where pulls are strict, and what rescans may read. */
interface Shared {
  groups?: Groups
  readonly budget: ReadBudget
}

/**
 * What a process remembers of the messages of one priority in one partition, so that pulls do not read again what is in
 * flight. Only speed is lost when it is forgotten. Deadlines are epoch ms; times named `monotonic` are of the monotonic
 * clock.
 */
export class InFlight {
  readonly rescan: Rescan
  readonly #shared: Shared
  /** Nothing up to this `sk` could be given out when it was last read. */
  #frontier: string | undefined
  /** When what this process claimed, released or pushed before the frontier can be given out, and the earliest of it. */
  readonly #own = new Map<string, number>()
  #ownDue = Number.POSITIVE_INFINITY
  /** Keys that a pull of this process is about to claim. */
  readonly #claiming = new Set<string>()
  /** A claim goes to one of this many first messages, or chunks of messages. */
  #window = 1
  /** The last claims met no other process. */
  #isCalm = false
  /** Of the rows read lately, the share that could be given out. */
  #readyShare = 1

  constructor(shared: Shared = { budget: newReadBudget() }) {
    this.#shared = shared
    this.rescan = new Rescan(shared.budget)
  }

  get frontier(): string | undefined {
    return this.#frontier
  }

  get window(): number {
    return this.#window
  }

  get isCalm(): boolean {
    return this.#isCalm
  }

  get readyShare(): number {
    return this.#readyShare
  }

  /** The groups of a queue whose pulls are strict; made when first asked for. */
  get groups(): Groups {
    this.#shared.groups ??= new Groups()
    return this.#shared.groups
  }

  /** This process pushed a message, perhaps before the frontier. */
  arrived(sk: string, due: number): void {
    if (!isBeyond(sk, this.#frontier)) this.becomesDue(sk, due)
  }

  /** This process acknowledged a message, or moved it elsewhere. True: the next one of its group can come now. */
  departed(sk: string): boolean {
    this.#own.delete(sk)
    if (!this.#shared.groups) return false
    this.#shared.groups.remove(sk)
    return true
  }

  /** This process gave a message back. */
  gaveBack(sk: string, due: number): void {
    this.becomesDue(sk, due)
  }

  /** A message that this process claimed, extended or gave back can be given out at `due`. */
  becomesDue(sk: string, due: number): void {
    this.#shared.groups?.change(sk, due)
    if (this.#own.size >= maxOwn && !this.#own.has(sk)) this.rescan.expectDeadline(due)
    else {
      this.#own.set(sk, due)
      this.#ownDue = Math.min(this.#ownDue, due)
    }
  }

  /** Whether this process knows of messages that it claimed or gave back. */
  get isHolding(): boolean {
    return this.#own.size > 0
  }

  /** A frontier outside of the part of a partition that is read from now on says nothing of it. */
  confine({ after, to }: { readonly after?: string; readonly to?: string }): void {
    if (this.#frontier === undefined) return
    const isBefore = after !== undefined && !isBeyond(this.#frontier, after)
    if (isBefore || (to !== undefined && isBeyond(this.#frontier, to))) this.#frontier = undefined
  }

  isOwn(sk: string): boolean {
    return this.#own.has(sk)
  }

  /** Whether something that it claimed or gave back can be given out now. */
  hasOwnDue(now: number): boolean {
    return this.#ownDue <= now
  }

  /** Takes out the first keys before the frontier that became due. Those beyond it are read anyway. */
  takeOwnDue(now: number, limit: number): string[] {
    if (this.#ownDue > now) return []
    const due: string[] = []
    this.#ownDue = Number.POSITIVE_INFINITY
    for (const [sk, at] of this.#own) {
      if (at > now) this.#ownDue = Math.min(this.#ownDue, at)
      else if (isBeyond(sk, this.#frontier)) this.#own.delete(sk)
      else due.push(sk)
    }
    due.sort(compareText)
    for (const sk of due.splice(limit)) this.#ownDue = Math.min(this.#ownDue, this.#own.get(sk)!)
    for (const sk of due) this.#own.delete(sk)
    return due
  }

  /** Counts no more what was acknowledged, or given back for longer, since the earliest was looked for. */
  findOwnDue(): void {
    this.#ownDue = Number.POSITIVE_INFINITY
    for (const due of this.#own.values()) this.#ownDue = Math.min(this.#ownDue, due)
  }

  /** When the next message that it knows of can be given out, epoch ms; never later. */
  get nextDue(): number {
    return Math.min(this.#ownDue, this.rescan.nextDeadline)
  }

  /** Begins a rescan when it is time for one. */
  planRescan(monotonic: number, now: number): void {
    if (this.#frontier !== undefined) this.rescan.beginWhenDue(monotonic, now)
  }

  /** Begins a rescan at once, because nothing was found beyond the frontier. False: it is too early for one. */
  beginRescan(monotonic: number): boolean {
    if (this.#frontier === undefined || !this.rescan.mayBegin(monotonic)) return false
    this.rescan.begin(monotonic, 'at once')
    return true
  }

  /** A row was read, and nothing up to it can be given out. */
  pass(sk: string, isRescan: boolean, monotonic: number): void {
    if (isRescan) this.rescan.pass(sk, this.#frontier, monotonic)
    if (isBeyond(sk, this.#frontier)) this.#frontier = sk
  }

  /** A page beyond the frontier was read. */
  noteRead(count: number, ready: number): void {
    if (count > 0) this.#readyShare = Math.max(1 / 16, 0.7 * this.#readyShare + (0.3 * ready) / count)
  }

  get claimingCount(): number {
    return this.#claiming.size
  }

  isClaiming(sk: string): boolean {
    return this.#claiming.has(sk)
  }

  /** Runs the claim of a message; meanwhile other pulls of this process leave it alone. */
  async whileClaiming<T>(sk: string, claim: () => Promise<T>): Promise<T> {
    this.#claiming.add(sk)
    try {
      return await claim()
    } finally {
      this.#claiming.delete(sk)
    }
  }

  /** Claims were tried; `share` of them failed because other processes were faster. */
  claimsFailed(share: number): void {
    this.#window = Math.min(maxWindow, Math.max(1, this.#window * (1 + share) - 0.4 * (1 - share)))
    this.#isCalm = share === 0
  }
}

/** What a process remembers of one partition: of each priority by itself. */
export class Partition {
  readonly use = new LevelUse()
  readonly #shared: Shared = { budget: newReadBudget() }
  readonly #views = new Map<Priority, InFlight>()

  view(priority: Priority): InFlight {
    let view = this.#views.get(priority)
    if (!view) {
      view = new InFlight(this.#shared)
      this.#views.set(priority, view)
    }
    return view
  }

  get views(): InFlight[] {
    return [...this.#views.values()]
  }

  /** When the next message that it knows of can be given out, epoch ms; never later. */
  get nextDue(): number {
    return Math.min(...this.views.map(({ nextDue }) => nextDue))
  }
}

const all = new WeakMap<object, Map<string, Partition>>()

/** What this process remembers of a partition; made when there is nothing yet. */
export function partitionOf(context: Context, pk: string): Partition {
  let partitions = all.get(context.database)
  if (!partitions) {
    partitions = new Map()
    all.set(context.database, partitions)
  }
  let partition = partitions.get(pk)
  if (!partition) {
    partition = new Partition()
    // A service with many queues forgets the oldest.
    if (partitions.size >= maxQueues) partitions.delete(partitions.keys().next().value!)
    partitions.set(pk, partition)
  }
  return partition
}

/** What this process remembers of the messages of one priority of a partition. */
export const inFlightOf = (context: Context, pk: string, priority: Priority = 'normal'): InFlight =>
  partitionOf(context, pk).view(priority)

/** What this process remembers of those messages that are of the same priority as this one. */
export const viewOf = (context: Context, { pk, sk }: AtomicDbItemKey): InFlight =>
  inFlightOf(context, pk, priorityOf(sk))

/** This process pushed a message. */
export function arrived(context: Context, message: Destination & { sk: string; due?: number }): void {
  const { pk, sk, due = 0 } = message
  viewOf(context, message).arrived(sk, due)
  partitionOf(context, pk).use.note(priorityOf(sk), context.runtime.monotonic())
  const pointer = pointerFor(message)
  if (pointer) arrivedAt(context, pointer.key.pk, pk, due)
}

/** This process gave a message back: it can be given out at `due`. */
export function gaveBack(context: Context, { pk, sk }: AtomicDbItemKey, due: number): void {
  viewOf(context, { pk, sk }).gaveBack(sk, due)
  expectedAt(context, pk, due)
}

/** This process acknowledged a message, or moved it elsewhere. */
export function departed(context: Context, { pk, sk }: AtomicDbItemKey): void {
  if (all.get(context.database)?.get(pk)?.view(priorityOf(sk)).departed(sk)) expectedAt(context, pk, 0)
}
