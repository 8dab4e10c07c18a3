import type { Changes } from '../changes.ts'
import { BackendError, OutcomeUnknown } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemKey,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
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
 * write. `doubt`: it does not, and the request may still arrive.
 */
export async function certainUpdate<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions,
  ours: (item: AtomicDbItem<T> | undefined) => boolean,
): Promise<UpdateResult<T> & { doubt?: true }> {
  try {
    return (await db.update<unknown>(key, changes, options)) as UpdateResult<T>
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error
    const item = await db.get<T>(key, { consistent: true, signal: options.signal })
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
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  changes: Changes,
  options: UpdateOptions,
  isThere: (item: AtomicDbItem<T> | undefined) => boolean,
): Promise<boolean> {
  for (let turn = 0; turn < patience; turn++) {
    const result = await certainUpdate<T>(db, key, changes, options, (item) => !isThere(item))
    if (result.applied) return true
    if (!isThere(result.item)) return false
  }
  throw new BackendError(`the requests to give back ${key.pk}/${key.sk} were lost`, { keys: [key] })
}

/** When a request that was given up is looked for, ms after one another. */
const looks = [0, 1000, 5000, 20_000, 60_000]

/**
 * A request that was given up may still arrive and take what nobody waits for any more. Looks for it in the
 * background (1 RRU each time) and takes it away again. Never rejects. `forMs`: after that it lapses by itself.
 */
export async function withdraw<T>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  forMs: number,
  isThere: (item: AtomicDbItem<T> | undefined) => boolean,
  takeAway: () => Promise<unknown>,
): Promise<void> {
  let passed = 0
  for (const ms of looks) {
    passed += ms
    if (passed > forMs) return
    try {
      await db.runtime.sleep(ms, { unref: true })
      if (!isThere(await db.get<T>(key, { consistent: true }))) continue
      await takeAway()
      return
    } catch {
      // The backend is in trouble: the next look may do better.
    }
  }
}
