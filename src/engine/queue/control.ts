import type { AtomicDbItemKey } from '../../interface.ts'
import { isNumeric } from '../../model/numbers.ts'
import type { Row } from '../../storage.ts'
import type { Context } from '../context.ts'
import { readRows } from '../requests.ts'
import { maxQueues } from './in-flight.ts'

/** A busy consumer looks at the control row so often, ms; an idle one with each look. */
export const controlMs = 4000
/** A paused consumer does not ask again sooner, ms. */
const pausedMs = 500

/** What a process knows of a control row. Times named `monotonic` are of the monotonic clock, the others epoch ms. */
export class Control {
  readonly key: AtomicDbItemKey
  #row: Row | undefined
  #readAt = Number.NEGATIVE_INFINITY
  /** Until when each place was promised to be looked at. It only grows, so an old read takes nothing away. */
  readonly #promises = new Map<string, number>()

  constructor(key: AtomicDbItemKey) {
    this.key = key
  }

  /** The row as it was read, or that there is none. */
  note(row: Row | undefined, monotonic: number): void {
    this.#row = row
    this.#readAt = monotonic
    for (const name in row) if (isNumeric(row[name])) this.promised(name, Number(row[name]))
  }

  /** A place is promised to be looked at until then. */
  promised(name: string, until: number): void {
    if (until > this.promiseOf(name)) this.#promises.set(name, until)
  }

  /** Until when a place is promised to be looked at; 0: it never was. */
  promiseOf(name: string): number {
    return this.#promises.get(name) ?? 0
  }

  isFresh(monotonic: number, ms = controlMs): boolean {
    return monotonic - this.#readAt < ms
  }

  /** Until when the queue is paused; `undefined` while it is not. */
  pausedUntil(now: number): number | undefined {
    const until = this.#row?.paused
    return isNumeric(until) && Number(until) > now ? Number(until) : undefined
  }
}

const all = new WeakMap<object, Map<string, Control>>()

/** What this process knows of a control row; made when there is nothing yet. */
export function controlOf(context: Context, key: AtomicDbItemKey): Control {
  let controls = all.get(context.database)
  if (!controls) {
    controls = new Map()
    all.set(context.database, controls)
  }
  let control = controls.get(key.pk)
  if (!control) {
    control = new Control(key)
    if (controls.size >= maxQueues) controls.delete(controls.keys().next().value!)
    controls.set(key.pk, control)
  }
  return control
}

/** Reads the row by its key: 0.5 RRU, or 1 RRU. */
export async function readControl(context: Context, control: Control, consistent = false): Promise<void> {
  const [row] = await readRows(context, [control.key], consistent)
  control.note(row, context.runtime.monotonic())
}

/** Reads the row where that was too long ago. A queue that is known to be paused is asked for at every pull. */
export async function knowControl(context: Context, control: Control): Promise<void> {
  const { runtime } = context
  const isPaused = control.pausedUntil(runtime.now()) !== undefined
  if (!control.isFresh(runtime.monotonic(), isPaused ? pausedMs : controlMs))
    await readControl(context, control)
}
