import type { Changes } from '../contract/changes.ts'
import { BackendError, OutcomeUnknown } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemKey,
  AtomicDbItemsInterface,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
import { endingOf } from '../model/time-left.ts'
import { idSource, type Runtime } from '../runtime.ts'

const sources = new WeakMap<Runtime, () => string>()

/** An id that no other attempt of any process has. */
export function uniqueId(runtime: Runtime): string {
  let source = sources.get(runtime)
  if (!source) {
    source = idSource(runtime)
    sources.set(runtime, source)
  }
  return source()
}

/**
 * An update that writes an id of its own. When the reply was lost, the row is read: `ours` says whether it shows our
 * write. `doubt`: it does not, and the request may still arrive. `options`: see `during`.
 */
export async function certainUpdate<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions,
  ours: (item: AtomicDbItem<T> | undefined) => boolean,
): Promise<UpdateResult<T> & { doubt?: true }> {
  try {
    return (await db.update<unknown>(key, changes, { ...options })) as UpdateResult<T>
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error
    const item = await db.get<T>(key, {
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      consistent: true,
    })
    if (ours(item)) return { applied: true, ...(item ? { item } : {}) }
    return { applied: false, doubt: true, ...(item ? { item } : {}) }
  }
}

/** How often a request that is lost is sent again before the backend counts as broken. */
const patience = 10

/**
 * Takes away what is ours, so that it is certain: sent again while the row still shows it. False: it was not ours
 * any more.
 */
export async function certainRemoval<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions,
  isThere: (item: AtomicDbItem<T> | undefined) => boolean,
): Promise<boolean> {
  const ending = endingOf(db)
  for (let turn = 0; turn < patience; turn++) {
    const result = await certainUpdate<T>(ending, key, changes, options, (item) => !isThere(item))
    if (result.applied) return true
    if (!isThere(result.item)) return false
  }
  throw new BackendError(`the requests to give back ${key.pk}/${key.sk} were lost`, { keys: [key] })
}

/** When a request that was given up is looked for, ms after one another. */
const looks = [0, 1000, 5000, 20_000, 60_000]
/** After this time nobody looks any more, ms. */
const longestMs = 3_600_000

/**
 * A request that was given up may still arrive and take what nobody waits for any more. Looks for it in the
 * background (1 RRU each time) and takes it away again. Never rejects. `forMs`: after that it lapses by itself.
 */
export async function withdraw<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  forMs: number,
  isThere: (item: AtomicDbItem<T> | undefined) => boolean,
  takeAway: () => Promise<unknown>,
): Promise<void> {
  let passed = 0
  let failed = false
  // A look that failed has seen nothing: the last one must not be such a one.
  for (let look = 0; look < looks.length || failed; look++) {
    const ms = looks[look] ?? 20_000
    passed += ms
    if (passed > Math.min(forMs, longestMs)) return
    try {
      await db.runtime.sleep(ms, { unref: true })
      failed = true
      const item = await db.get<T>(key, { consistent: true })
      failed = false
      if (!isThere(item)) continue
      failed = true
      await takeAway()
      return
    } catch {
      // The backend is in trouble: the next look may do better.
    }
  }
}
