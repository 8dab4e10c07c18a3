import type { Context } from '../context.ts'
import { utf8Order } from '../values.ts'

/** What a process remembers of a queue, so that pulls do not read again what is in flight. */
export interface View {
  /** Nothing up to this `sk` could be given out when it was last read. */
  frontier: string | undefined
  /** How far a rescan of what lies before the frontier has come; '' at the start, undefined: none under way. */
  scan: string | undefined
  /** The earliest deadline of others seen before the frontier, epoch ms. */
  due: number
  /** When the next rescan begins, and when the last one did, on the monotonic clock. */
  next: number
  last: number
  /** Bytes before the frontier, of the rescan under way and of the last whole one. */
  bytes: number
  cost: number
  /** Claims go to one of so many first messages. */
  window: number
  /** Keys that a pull of this process is about to claim. */
  readonly claiming: Set<string>
  /** When what this process claimed, released or pushed before the frontier can be given out, epoch ms. */
  readonly own: Map<string, number>
  ownDue: number
}

const views = new WeakMap<Context, Map<string, View>>()
const maxQueues = 1000
const maxOwn = 10_000

export function viewOf(context: Context, pk: string): View {
  let all = views.get(context)
  if (!all) {
    all = new Map()
    views.set(context, all)
  }
  let view = all.get(pk)
  if (!view) {
    view = {
      frontier: undefined,
      scan: undefined,
      due: Number.POSITIVE_INFINITY,
      next: 0,
      last: Number.NEGATIVE_INFINITY,
      bytes: 0,
      cost: 0,
      window: 1,
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
  if (view.own.size >= maxOwn && !view.own.has(sk)) view.due = Math.min(view.due, due)
  else {
    view.own.set(sk, due)
    view.ownDue = Math.min(view.ownDue, due)
  }
}

/** Keys before the frontier that became due; those beyond it will be read anyhow. */
export function ownDue(view: View, now: number, limit: number): string[] {
  if (view.ownDue > now) return []
  const due: string[] = []
  view.ownDue = Number.POSITIVE_INFINITY
  for (const [sk, at] of view.own) {
    if (at > now || due.length >= limit) view.ownDue = Math.min(view.ownDue, at)
    else {
      view.own.delete(sk)
      if (!isBeyond(sk, view.frontier)) due.push(sk)
    }
  }
  return due.sort((a, b) => (isBeyond(a, b) ? 1 : -1))
}

// A rescan of a prefix of so many bytes is worth no thought.
const freeBytes = 32 * 4096

/** Least time between two rescans asked for by a deadline or an empty queue, ms: 100 RRU a second at most. */
const spacing = (view: View): number => (view.cost <= freeBytes ? 0 : (view.cost / 4096) * 10)

export function beginRescan(view: View, monotonic: number): void {
  view.scan = ''
  view.last = monotonic
  view.due = Number.POSITIVE_INFINITY
  view.bytes = 0
}

export function mayRescan(view: View, monotonic: number): boolean {
  return view.frontier !== undefined && view.scan === undefined && monotonic >= view.last + spacing(view)
}

export function rescanIsDue(view: View, monotonic: number, now: number): boolean {
  return mayRescan(view, monotonic) && (monotonic >= view.next || now >= view.due)
}

/** Every second while that costs little, else as often as makes 10 RRU a second. */
export function endRescan(view: View, monotonic: number): void {
  view.scan = undefined
  view.cost = view.bytes
  view.next = monotonic + Math.max(1000, (view.cost / 4096) * 100)
}
