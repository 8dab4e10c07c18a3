import type { AtomicDbItemKey } from '../../interface.ts'
import type { Context } from '../context.ts'
import { utf8Order } from '../values.ts'
import type { Groups } from './groups.ts'

/** What a process remembers of a queue, so that pulls do not read again what is in flight. */
export interface View {
  /** Nothing up to this `sk` could be given out when it was last read. */
  frontier: string | undefined
  /** How far a rescan of what lies before the frontier has come; '' at the start, undefined: none under way. */
  scan: string | undefined
  /** It does not stop at what a rescan may cost. */
  urgent: boolean
  /** The earliest deadline of others known before the frontier, and the one seen by the rescan under way, epoch ms. */
  due: number
  seen: number
  /** When the next rescan begins, and when the last one did, on the monotonic clock. */
  next: number
  last: number
  /** Rows and bytes before the frontier, of the rescan under way and of the last whole one. */
  rows: number
  bytes: number
  before: number
  cost: number
  /** RRU that rescans may take now, and when that was so, on the monotonic clock. */
  budget: number
  filled: number
  /** Claims go to one of so many first messages, or chunks of messages. */
  window: number
  /** Of the rows read lately, the share that could be given out. */
  share: number
  /** 0: the last pull found something, or something was pushed since; else until when it is taken as empty, monotonic. */
  emptyUntil: number
  /** The last claim met nobody. */
  calm: boolean
  /** Keys that a pull of this process is about to claim. */
  readonly claiming: Set<string>
  /** When what this process claimed, released or pushed before the frontier can be given out, epoch ms. */
  readonly own: Map<string, number>
  ownDue: number
  /** Where pulls are strict. */
  groups?: Groups
}

const views = new WeakMap<object, Map<string, View>>()
const maxQueues = 20_000
const maxOwn = 10_000

export function viewOf(context: Context, pk: string): View {
  let all = views.get(context.database)
  if (!all) {
    all = new Map()
    views.set(context.database, all)
  }
  let view = all.get(pk)
  if (!view) {
    view = {
      frontier: undefined,
      scan: undefined,
      urgent: false,
      due: Number.POSITIVE_INFINITY,
      seen: Number.POSITIVE_INFINITY,
      next: 0,
      last: Number.NEGATIVE_INFINITY,
      rows: 0,
      bytes: 0,
      before: 0,
      cost: 0,
      budget: burst,
      filled: 0,
      window: 1,
      emptyUntil: 0,
      share: 1,
      calm: false,
      claiming: new Set(),
      own: new Map(),
      ownDue: Number.POSITIVE_INFINITY,
    }
    // Only speed is lost with a view: a service with many queues forgets the oldest.
    if (all.size >= maxQueues) all.delete(all.keys().next().value!)
    all.set(pk, view)
  }
  return view
}

export const isBeyond = (sk: string, than: string | undefined): boolean =>
  than === undefined || than === '' || utf8Order(sk) > utf8Order(than)

export function remember(view: View, sk: string, due: number): void {
  view.groups?.change(sk, due)
  if (view.own.size >= maxOwn && !view.own.has(sk)) view.due = Math.min(view.due, due)
  else {
    view.own.set(sk, due)
    view.ownDue = Math.min(view.ownDue, due)
  }
}

/** A message that this process pushed. */
export function arrived(context: Context, row: AtomicDbItemKey & { due?: unknown }): void {
  const view = viewOf(context, row.pk)
  view.emptyUntil = 0
  if (!isBeyond(row.sk, view.frontier)) remember(view, row.sk, (row.due as number | undefined) ?? 0)
}

/** A message that this process acknowledged. */
export function departed(context: Context, { pk, sk }: AtomicDbItemKey): void {
  const view = views.get(context.database)?.get(pk)
  view?.own.delete(sk)
  if (!view?.groups) return
  view.groups.remove(sk)
  // The next one of its group can come now.
  view.emptyUntil = 0
}

/** May have something to give out now, as far as this process knows. */
export const isAwake = (view: View, now: number): boolean => view.emptyUntil === 0 || view.ownDue <= now

/** The first keys before the frontier that became due; those beyond it will be read anyhow. */
export function ownDue(view: View, now: number, limit: number): string[] {
  if (view.ownDue > now) return []
  const due: string[] = []
  view.ownDue = Number.POSITIVE_INFINITY
  for (const [sk, at] of view.own) {
    if (at > now) view.ownDue = Math.min(view.ownDue, at)
    else if (isBeyond(sk, view.frontier)) view.own.delete(sk)
    else due.push(sk)
  }
  due.sort((a, b) => (isBeyond(a, b) ? 1 : -1))
  for (const sk of due.splice(limit)) view.ownDue = Math.min(view.ownDue, view.own.get(sk)!)
  for (const sk of due) view.own.delete(sk)
  return due
}

// What rescans by the clock may read, RRU a second, and at most at once.
const rate = 10
const burst = 10
/** A rescan of so few bytes is worth no thought. */
const freeBytes = 32 * 4096

/** Least time between two whole rescans asked for by a deadline or an empty queue, ms: 100 RRU a second at most. */
const spacing = (view: View): number => (view.cost <= freeBytes ? 0 : (view.cost / 4096) * 10)

export function beginRescan(view: View, monotonic: number, when: 'at once' | 'little by little'): void {
  view.scan = ''
  view.urgent = when === 'at once'
  view.last = monotonic
  view.rows = 0
  view.bytes = 0
  view.seen = Number.POSITIVE_INFINITY
  if (view.urgent) view.due = Number.POSITIVE_INFINITY
}

export function mayRescan(view: View, monotonic: number): boolean {
  const free = view.scan === undefined || !view.urgent
  return view.frontier !== undefined && free && monotonic >= view.last + spacing(view)
}

/** At once when somebody's deadline has passed; every second little by little, for what nobody told us. */
export function planRescan(view: View, monotonic: number, now: number): void {
  if (now >= view.due && mayRescan(view, monotonic)) beginRescan(view, monotonic, 'at once')
  else if (view.frontier !== undefined && view.scan === undefined && monotonic >= view.next)
    beginRescan(view, monotonic, 'little by little')
}

/** How many rows the rescan under way may read now. */
export function affordable(view: View, monotonic: number): number {
  view.budget = Math.min(burst, view.budget + ((monotonic - view.filled) / 1000) * rate)
  view.filled = monotonic
  if (view.urgent) return Number.POSITIVE_INFINITY
  if (view.budget < 1) return 0
  const each = view.rows > 0 ? view.bytes / view.rows : 1024
  return Math.max(1, Math.floor((view.budget * 4096) / each))
}

/** A row before the frontier was read. */
export function spend(view: View, bytes: number): void {
  view.rows++
  view.bytes += bytes
  view.budget -= bytes / 4096
}

/** Somebody else's deadline. */
export function notice(view: View, due: number): void {
  view.due = Math.min(view.due, due)
  view.seen = Math.min(view.seen, due)
}

export function endRescan(view: View, monotonic: number): void {
  view.scan = undefined
  view.before = view.rows
  view.cost = view.bytes
  view.due = view.seen
  view.next = monotonic + 1000
}
