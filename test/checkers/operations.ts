/** Pairs the events of a history into operations, and records events while a run is going on. */
import { HISTORY_FORMAT, HISTORY_VERSION, type History, type HistoryEvent } from './history.ts'

/** An invocation with its completion. Without a completion its outcome is `info`: unknown. */
export interface Operation {
  id: string | number
  client: string | number
  op: string
  key: string
  outcome: 'ok' | 'fail' | 'info'
  /** The value of the invocation. */
  input: unknown
  /** The value of the completion; undefined when there is none. */
  output: unknown
  /** Place in the order of events: a precedes b exactly when `a.end < b.start`. An unknown outcome never ends. */
  start: number
  end: number
  /** The times as recorded; `endAt` of an unknown outcome is Infinity. */
  startAt: number
  endAt: number
}

export interface PairOptions {
  /**
   * `file`: events stand in the order in which they happened (one process wrote them as they came).
   * `time`: order by `at`; for files merged from several processes. Default: file.
   */
  order?: 'file' | 'time'
  /** With `time`: how far the clocks may differ. Operations nearer than this count as concurrent. Default: 0. */
  clockTolerance?: number
}

/**
 * The operations of a history, in order of invocation.
 *
 * @throws {Error} when an id is invoked twice, or completes twice or without an invocation
 */
export function pairOperations(events: readonly HistoryEvent[], options: PairOptions = {}): Operation[] {
  const { order = 'file', clockTolerance = 0 } = options
  const byId = new Map<string | number, Operation>()
  const done = new Set<string | number>()
  // By time an invocation goes before a completion of the same moment: concurrent unless proven otherwise
  const rank = (event: HistoryEvent): number => (event.type === 'invoke' ? 0 : 1)
  const sorted = order === 'file' ? events : [...events].sort((a, b) => a.at - b.at || rank(a) - rank(b))
  sorted.forEach((event, index) => {
    const known = byId.get(event.id)
    if (event.type === 'invoke') {
      if (known) throw new Error(`operation ${event.id} is invoked twice`)
      byId.set(event.id, {
        id: event.id,
        client: event.client,
        op: event.op,
        key: event.key ?? '',
        outcome: 'info',
        input: event.value,
        output: undefined,
        start: order === 'file' ? index : event.at,
        end: Number.POSITIVE_INFINITY,
        startAt: event.at,
        endAt: Number.POSITIVE_INFINITY,
      })
      return
    }
    if (!known) throw new Error(`operation ${event.id} completes but was never invoked`)
    if (done.has(event.id)) throw new Error(`operation ${event.id} completes twice`)
    done.add(event.id)
    known.outcome = event.type
    known.output = event.value
    if (event.type === 'info') return
    known.end = order === 'file' ? index : event.at + clockTolerance
    known.endAt = event.at
  })
  return [...byId.values()].sort((a, b) => a.start - b.start)
}

/** Whether a was surely over before b began. */
export const precedes = (a: Operation, b: Operation): boolean => a.end < b.start

/** Records what a run does. `now` must never go backwards and should be finer than a millisecond. */
export class HistoryRecorder {
  readonly events: HistoryEvent[] = []
  readonly #open = new Map<number, HistoryEvent>()
  readonly #now: () => number
  #nextId = 1

  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#now = now
  }

  /** Call right before the operation is sent; returns its id. */
  invoke(client: string | number, op: string, key?: string, value?: unknown): number {
    const id = this.#nextId++
    const event: HistoryEvent = { id, client, type: 'invoke', op, key, value, at: this.#now() }
    this.#open.set(id, event)
    this.events.push(event)
    return id
  }

  /** Call right after the reply arrived. `info` when nobody knows whether it took effect. */
  complete(id: number, type: 'ok' | 'fail' | 'info', value?: unknown): void {
    const invoked = this.#open.get(id)
    if (!invoked) throw new Error(`operation ${id} is not open`)
    this.#open.delete(id)
    const { client, op, key } = invoked
    this.events.push({ id, client, type, op, key, value, at: this.#now() })
  }

  /** The time as it is recorded. */
  now(): number {
    return this.#now()
  }

  history(about: { library: string; seed: number | string; [more: string]: unknown }): History {
    return {
      header: { ...about, format: HISTORY_FORMAT, version: HISTORY_VERSION },
      events: [...this.events],
    }
  }
}
