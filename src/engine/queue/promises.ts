import type { AtomicDbItemKey } from '../../interface.ts'
import { loneSk } from '../../model/key-names.ts'
import { keyText } from '../../model/keys.ts'
import { marginMs, PromiseClock, promiseMs } from '../../model/promise-clock.ts'
import type { Runtime } from '../../runtime.ts'
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
  readonly clock: PromiseClock
  /** When each of them is relied on no more. */
  readonly #ends = new Map<string, number>()
  /** Raises under way, for others that need the same. */
  readonly raising = new Map<string, Promise<void>>()

  constructor(runtime: Runtime) {
    this.clock = new PromiseClock(runtime)
  }

  isReliable(id: string, own: Ends): boolean {
    return this.clock.now() < Math.max(own.get(id) ?? 0, this.#ends.get(id) ?? 0)
  }

  /** For all calls, and for the one whose own it is: so many others may come that it is forgotten at once. */
  learn(id: string, until: unknown, own: Map<string, number>): void {
    if (typeof until !== 'number') return
    own.set(id, until - marginMs)
    this.#ends.delete(id)
    if (this.#ends.size >= maxKnown) this.#ends.delete(this.#ends.keys().next().value!)
    this.#ends.set(id, until - marginMs)
  }
}

/** When promises are relied on no more. */
type Ends = ReadonlyMap<string, number>

/** Promises that one call relies on together, and what it has learned of them. */
interface Needed {
  readonly promised: readonly Promised[]
  readonly ends: Map<string, number>
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

const missingOf = (context: Context, { promised, ends }: Needed): Promised[] =>
  promised.filter((one) => !knownOf(context).isReliable(idOf(one), ends))

/** The earliest time that it may be, for whoever asks whether a promise has ended. Not before its first call. */
export const earliestNow = (context: Context): number => knownOf(context).clock.earliest()

/**
 * Returns once the promise can be relied on. No request while one is known that holds for longer; else 0.5 RRU, and
 * 1 WRU where nobody else has raised it. What relies on it is sent with the context of `underPromises`.
 */
export const ensurePromised = (context: Context, key: AtomicDbItemKey, name = 'until'): Promise<void> =>
  ensureAll(context, { promised: [{ key, name }], ends: new Map() })

/** Ensures the promises, and returns a context each of whose writes leaves only while all of them can be relied on. */
export async function underPromises(context: Context, promised: readonly Promised[]): Promise<Context> {
  if (promised.length === 0) return context
  const distinct = [...new Map(promised.map((one) => [idOf(one), one])).values()]
  const needed = { promised: distinct, ends: new Map<string, number>() }
  await ensureAll(context, needed)
  return { ...context, storage: relying(context, needed) }
}

async function ensureAll(context: Context, needed: Needed): Promise<void> {
  const { raising } = knownOf(context)
  for (let round = 0; ; round++) {
    const missing = missingOf(context, needed)
    if (missing.length === 0) return
    context.call.check()
    const mine = missing.filter((one) => !raising.has(idOf(one)))
    // Another call raises them already. Where it fails, this one tries itself.
    if (mine.length === 0) await context.call.bound(raising.get(idOf(missing[0]!))!.catch(() => {}))
    else await obtain(context, { promised: mine, ends: needed.ends }, round)
  }
}

async function obtain(context: Context, needed: Needed, round: number): Promise<void> {
  const { promised } = needed
  const { raising } = knownOf(context)
  const work = readAndRaise(context, needed, round)
  for (const one of promised) raising.set(idOf(one), work)
  try {
    await work
  } finally {
    for (const one of promised) raising.delete(idOf(one))
  }
}

/** An old value does no harm: a promise never ends earlier than it once said. */
async function readAndRaise(context: Context, needed: Needed, round: number): Promise<void> {
  const { promised } = needed
  const keys = new Map(promised.map(({ key }) => [keyText(key), key]))
  const rows = await readRows(context, [...keys.values()], false)
  const found = new Map([...keys.keys()].map((text, i) => [text, rows[i]]))
  for (const one of promised) learn(context, one, found.get(keyText(one.key)), needed)
  const ended = missingOf(context, needed)
  while (ended.length > 0)
    await Promise.all(ended.splice(0, raisesAtOnce).map((one) => raise(context, one, needed, round)))
}

const learn = (context: Context, one: Promised, row: Row | undefined, { ends }: Needed): void =>
  knownOf(context).learn(idOf(one), row?.[one.name], ends)

/** Promises that ended before all were raised are relied on for twice as long in the next round. */
const holdOf = ({ holdMs = promiseMs }: Promised, round: number): number =>
  Math.min(promiseMs, marginMs + (holdMs - marginMs) * 2 ** round)

async function raise(context: Context, one: Promised, needed: Needed, round: number): Promise<void> {
  const { key, name } = one
  const holdMs = holdOf(one, round)
  // Without a reply nothing relies on it, and nothing was sent that would: whoever needed it is told so, not that the
  // outcome is unknown.
  const { row } = await retried(context, 'read', [key], () => {
    const until = knownOf(context).clock.now() + holdMs
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
  learn(context, one, row, needed)
}

/** The storage, whose writes ask last of all whether the promises can still be relied on, and raise them where not. */
function relying(context: Context, needed: Needed): Storage {
  const { storage } = context
  async function send<T, O extends RequestOptions>(
    options: O,
    request: (options: O) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      await ensureAll(context, needed)
      let hasEnded = false
      const beforeSending = () => {
        options.beforeSending?.()
        hasEnded = missingOf(context, needed).length > 0
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
    scan: (scan, options) => storage.scan(scan, options),
    write: (writes, options) => send(options, (guarded) => storage.write(writes, guarded)),
    apply: (operation, options) => send(options, (guarded) => storage.apply(operation, guarded)),
    transact: (operations, token, options) =>
      send(options, (guarded) => storage.transact(operations, token, guarded)),
  }
}
