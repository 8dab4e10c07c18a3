import type { Changes } from '../changes.ts'
import { InvalidInput, OutcomeUnknown } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItem,
  AtomicDbItemKey,
  CallOptions,
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

/** The key of a coordination row; it must not be that of a lock row. */
export function coordinationKey(key: AtomicDbItemKey): AtomicDbItemKey {
  if (
    typeof key !== 'object' ||
    key === null ||
    typeof key.pk !== 'string' ||
    typeof key.sk !== 'string' ||
    key.pk === '' ||
    key.sk === ''
  ) {
    throw new InvalidInput('key', 'must be an object with pk and sk')
  }
  if (key.sk.endsWith('#lock'))
    throw new InvalidInput('sk', "must not end in '#lock': that is where the locks of items are", {
      keys: [key],
    })
  return { pk: key.pk, sk: key.sk }
}

/** A row that is there must be one of ours (it has one of these fields): else the key is that of an item or a message. */
export function mustBeOurs(item: AtomicDbItem | undefined, ...fields: string[]): void {
  if (item === undefined) return
  const data = item.data
  if (typeof data === 'object' && data !== null && fields.some((field) => field in data)) return
  throw new InvalidInput('key', 'is that of an item or a message: choose another one', {
    keys: [{ pk: item.pk, sk: item.sk }],
  })
}

export function checkMs(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw new InvalidInput(field, 'must be a positive number of milliseconds', { given: String(value) })
  return value
}

/**
 * An update that carries an id of its own in what it writes. When the reply was lost and the write's outcome is not
 * known, the row is read: `ours` says whether it shows our write. `doubt`: it may still arrive later.
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
    return { applied: ours(item), doubt: true, ...(item ? { item } : {}) }
  }
}

export interface WaitOptions extends CallOptions {
  /** How long to wait at most, ms. 0: one try. Default: for ever. */
  timeoutMs?: number
  /** Longest wait between two looks (1 RRU each), ms, with jitter; looks begin at 25 ms apart. Default 250. */
  pollMs?: number
}

/**
 * Tries until it succeeds or time is up: the last answer is returned. `probe` is a cheap look (a read) that says
 * when another try is worth a write, so that waiting does not write.
 */
export async function waitFor<R>(
  db: AtomicDbInterface,
  options: WaitOptions,
  attempt: () => Promise<R>,
  succeeded: (answer: R) => boolean,
  probe: () => Promise<boolean>,
  // Something has changed that makes it worth looking often again.
  isNear: () => boolean = () => false,
): Promise<R> {
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options
  if (options.pollMs !== undefined) checkMs(options.pollMs, 'pollMs')
  if (!(timeoutMs >= 0))
    throw new InvalidInput('timeoutMs', 'must be 0 or a positive number of milliseconds', {
      given: String(timeoutMs),
    })
  const started = db.runtime.monotonic()
  const left = () => timeoutMs - (db.runtime.monotonic() - started)
  let answer = await attempt()
  for (let turn = 0; !succeeded(answer); turn++) {
    signal?.throwIfAborted()
    if (left() <= 0) return answer
    const bound = Math.min(options.pollMs ?? 250, 25 * 2 ** Math.min(turn, 6))
    await db.runtime.sleep(Math.max(1, Math.min(left(), bound * (0.5 + db.runtime.random()))), { signal })
    if (await probe()) answer = await attempt()
    if (isNear()) turn = -1
  }
  return answer
}
