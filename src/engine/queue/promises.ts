import type { AtomicDbItemKey } from '../../interface.ts'
import { loneSk } from '../../model/key-names.ts'
import { keyText } from '../../model/keys.ts'
import { type Moment, momentOf, type Runtime, stopwatch } from '../../runtime.ts'
import { type RequestOptions, type Row, type Storage, StorageFault } from '../../storage.ts'
import type { Context } from '../context.ts'
import { readRows } from '../requests.ts'
import { retried } from '../retry.ts'

/**
 * A promise: an attribute of a row, epoch ms, that only grows. Until then nobody treats a place as empty for good,
 * however empty it looks: consumers keep looking at it.
 *
 * - A producer *relies* on a promise that it has seen only while a request that it signs now cannot arrive after its
 *   end: requests are taken up to five minutes after they were signed, and clocks differ.
 * - Else it raises the promise first, never in the same transaction: a transaction may arrive late as a whole.
 * - That it still holds is asked again immediately before each request leaves, since a process can be frozen in between.
 * - A raise whose reply was lost is sent again: the promise is the greatest that was ever given. One that arrives after
 *   its place was given up makes consumers look there once more.
 */

/** How long a new promise holds, ms. */
export const promiseMs = 3_600_000
/** A promise is relied on until so long before its end, ms: five minutes for signatures, as much for clocks. */
export const marginMs = 600_000
/** After the end of a promise its place is kept for so long, ms: clocks differ. */
export const graceMs = 300_000

/** So many promises are remembered per database. */
const maxKnown = 20_000
const raisesAtOnce = 16

/** The attribute `name` of the row at `key`. */
export interface Promised {
  readonly key: AtomicDbItemKey
  readonly name: string
  /** How long a new promise holds, ms, of which the last ten minutes are not relied on. Default: an hour. */
  readonly holdMs?: number
}

/** What a process knows of promises. What it forgets it reads again. */
class Known {
  readonly #runtime: Runtime
  readonly #begun: Moment
  /** Never goes back, and counts suspensions. */
  readonly #elapsed: () => number
  /** When each of them is relied on no more. */
  readonly #ends = new Map<string, number>()
  /** Raises under way, for others that need the same. */
  readonly raising = new Map<string, Promise<void>>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#begun = momentOf(runtime)
    this.#elapsed = stopwatch(runtime, this.#begun)
  }

  /** The latest time that it may be, epoch ms: a clock that is set back prolongs no promise. */
  now(): number {
    return Math.max(this.#runtime.now(), this.#begun.wall + this.#elapsed())
  }

  isReliable(id: string): boolean {
    const end = this.#ends.get(id)
    return end !== undefined && this.now() < end
  }

  learn(id: string, until: unknown): void {
    if (typeof until !== 'number') return
    this.#ends.delete(id)
    if (this.#ends.size >= maxKnown) this.#ends.delete(this.#ends.keys().next().value!)
    this.#ends.set(id, until - marginMs)
  }
}

const all = new WeakMap<object, Known>()

function knownOf(context: Context): Known {
  let known = all.get(context.database)
  if (!known) {
    known = new Known(context.runtime)
    all.set(context.database, known)
  }
  return known
}

const idOf = ({ key, name }: Promised): string => `${name}:${keyText(key)}`

const isReliable = (context: Context, one: Promised): boolean => knownOf(context).isReliable(idOf(one))

/** Whether a promise with this end, as a row shows it, may be over for whoever reads it now. */
export const hasEnded = (until: unknown, now: number): boolean =>
  typeof until !== 'number' || now > until + graceMs

/**
 * Returns once the promise can be relied on. No request while one is known that holds for longer; else 0.5 RRU, and
 * 1 WRU where nobody else has raised it. What relies on it is sent with the context of `underPromises`.
 */
export const ensurePromised = (context: Context, key: AtomicDbItemKey, name = 'until'): Promise<void> =>
  ensureAll(context, [{ key, name }])

/** Ensures the promises, and returns a context each of whose writes leaves only while all of them can be relied on. */
export async function underPromises(context: Context, promised: readonly Promised[]): Promise<Context> {
  if (promised.length === 0) return context
  const distinct = [...new Map(promised.map((one) => [idOf(one), one])).values()]
  await ensureAll(context, distinct)
  return { ...context, storage: relying(context, distinct) }
}

async function ensureAll(context: Context, promised: readonly Promised[]): Promise<void> {
  const { raising } = knownOf(context)
  for (;;) {
    const missing = promised.filter((one) => !isReliable(context, one))
    if (missing.length === 0) return
    context.call.check()
    const mine = missing.filter((one) => !raising.has(idOf(one)))
    // Another call raises them already. Where it fails, this one tries itself.
    if (mine.length === 0) await context.call.bound(raising.get(idOf(missing[0]!))!.catch(() => {}))
    else await obtain(context, mine)
  }
}

async function obtain(context: Context, promised: readonly Promised[]): Promise<void> {
  const { raising } = knownOf(context)
  const work = readAndRaise(context, promised)
  for (const one of promised) raising.set(idOf(one), work)
  try {
    await work
  } finally {
    for (const one of promised) raising.delete(idOf(one))
  }
}

/** An old value does no harm: a promise never ends earlier than it once said. */
async function readAndRaise(context: Context, promised: readonly Promised[]): Promise<void> {
  const keys = new Map(promised.map(({ key }) => [keyText(key), key]))
  const rows = await readRows(context, [...keys.values()], false)
  const found = new Map([...keys.keys()].map((text, i) => [text, rows[i]]))
  for (const one of promised) learn(context, one, found.get(keyText(one.key)))
  const ended = promised.filter((one) => !isReliable(context, one))
  while (ended.length > 0) await Promise.all(ended.splice(0, raisesAtOnce).map((one) => raise(context, one)))
}

const learn = (context: Context, one: Promised, row: Row | undefined): void =>
  knownOf(context).learn(idOf(one), row?.[one.name])

async function raise(context: Context, one: Promised): Promise<void> {
  const { key, name, holdMs = promiseMs } = one
  const { row } = await retried(context, 'idempotent', [key], () => {
    const until = knownOf(context).now() + holdMs
    return context.storage.apply(
      {
        op: 'update',
        key,
        changes: [
          { op: 'set', path: [name], value: until },
          // No query of items shows a row with a version.
          { op: 'setIfAbsent', path: ['version'], value: loneSk },
        ],
        guard: { op: 'not', of: { op: 'gte', left: { path: [name] }, right: { value: until } } },
      },
      context.call.request(),
    )
  })
  learn(context, one, row)
}

/** The storage, whose writes ask last of all whether the promises can still be relied on, and raise them where not. */
function relying(context: Context, promised: readonly Promised[]): Storage {
  const { storage } = context
  async function send<T, O extends RequestOptions>(
    options: O,
    request: (options: O) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      await ensureAll(context, promised)
      let hasEnded = false
      const beforeSending = () => {
        options.beforeSending?.()
        hasEnded = !promised.every((one) => isReliable(context, one))
        if (hasEnded) throw new StorageFault('unreachable', 'a promise ended before the request was sent')
      }
      try {
        return await request({ ...options, beforeSending })
      } catch (error) {
        if (!hasEnded) throw error
      }
    }
  }
  return {
    ...(storage.batchSizes && { batchSizes: storage.batchSizes }),
    read: (keys, options) => storage.read(keys, options),
    readTogether: (keys, options) => storage.readTogether(keys, options),
    page: (range, options) => storage.page(range, options),
    write: (writes, options) => send(options, (guarded) => storage.write(writes, guarded)),
    apply: (operation, options) => send(options, (guarded) => storage.apply(operation, guarded)),
    transact: (operations, token, options) =>
      send(options, (guarded) => storage.transact(operations, token, guarded)),
  }
}
