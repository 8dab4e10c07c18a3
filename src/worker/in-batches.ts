import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, AtomicDbQueueItem } from '../interface.ts'
import { checkDb, checkFunction, checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { keyText } from '../model/keys.ts'
import type { QueueHandler } from './handling.ts'
import { QueueOutcome } from './outcomes.ts'

/** What a batch handler is told beside its messages. */
export interface BatchContext {
  /** Aborted when none of the messages is waited for any more: lost, out of time, or the worker stops. */
  signal: AbortSignal
  /** Of one message: aborted when that one is lost or out of time. */
  signalOf(item: AtomicDbItemKey): AbortSignal
}

/**
 * Handles several messages at once. All are done, unless it throws (all have failed), returns `retryAt`, `snooze` or
 * `deadLetter` (for all), or names those that are not: `return { failures: [{ item, error }] }`, where `error` may be
 * such an outcome too.
 */
export type BatchHandler<T> = (items: readonly AtomicDbQueueItem<T>[], context: BatchContext) => unknown

/** Options of `inBatches`. */
export interface BatchOptions {
  /** Most messages of one call. The worker's `concurrency` must not be less, or no batch becomes so large. @default 25 */
  size?: number
  /**
   * How long the first message waits for others, ms. 0: those that are handed out together make a batch, so that
   * batches are small where single messages are acknowledged and pulled. @default 0
   */
  waitMs?: number
}

interface Waiting<T> {
  item: AtomicDbQueueItem<T>
  signal: AbortSignal
  resolve(result?: unknown): void
  reject(error: unknown): void
}

/**
 * A handler for `QueueWorker` and `queueLambda` that handles messages by the batch. Each of them is acknowledged, tried
 * again, timed out and buried by itself. Costs no request.
 *
 * @example
 * ```ts
 * const index = inBatches<Page>(db, async (items) => {
 *   const refused = await search.bulk(items.map(({ data }) => data))
 *   return { failures: refused.map(({ place, error }) => ({ item: items[place]!, error })) }
 * })
 * new QueueWorker(db, index, { pk: 'pages', concurrency: 50 })
 * ```
 */
export function inBatches<T = unknown>(
  db: AtomicDbInterface,
  handler: BatchHandler<T>,
  options: BatchOptions = {},
): QueueHandler<T> {
  checkDb(db)
  checkFunction(handler, 'handler')
  checkOptions(options, ['size', 'waitMs'])
  const { size = 25, waitMs = 0 } = options
  wholeNumber(size, 'size', { min: 1 })
  milliseconds(waitMs, 'waitMs', { zero: true })
  let waiting: Waiting<T>[] = []
  const flush = (batch: Waiting<T>[]) => {
    if (waiting !== batch) return
    waiting = []
    void handleBatch(batch, handler)
  }
  return (item, { signal }) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, signal, resolve, reject })
      const batch = waiting
      if (batch.length >= size) flush(batch)
      else if (batch.length === 1) void db.runtime.sleep(waitMs).then(() => flush(batch))
    })
}

/** Hands a batch to its handler, without those that nobody waits for any more, and tells each how it ended. */
async function handleBatch<T>(batch: readonly Waiting<T>[], handler: BatchHandler<T>): Promise<void> {
  const [living, over] = [
    batch.filter(({ signal }) => !signal.aborted),
    batch.filter(({ signal }) => signal.aborted),
  ]
  for (const { signal, reject } of over) reject(signal.reason)
  if (living.length === 0) return
  const { signal, stop } = whenAllAborted(living.map((one) => one.signal))
  const signals = new Map(living.map((one) => [keyText(one.item), one.signal]))
  const signalOf = (item: AtomicDbItemKey) => signals.get(keyText(item)) ?? signal
  try {
    const result = await handler(
      living.map(({ item }) => item),
      { signal, signalOf },
    )
    const failures = failuresIn(result, signals)
    for (const { item, resolve, reject } of living) {
      const failure = failures.get(keyText(item))
      if (failure) reject(failure.error)
      else resolve(result instanceof QueueOutcome ? result : undefined)
    }
  } catch (error) {
    for (const { reject } of living) reject(error)
  } finally {
    stop()
  }
}

/** What a batch handler says of single messages, by their keys. */
function failuresIn(result: unknown, known: ReadonlyMap<string, unknown>): Map<string, { error: unknown }> {
  const failures: unknown = (result as { failures?: unknown } | null | undefined)?.failures
  const found = new Map<string, { error: unknown }>()
  if (failures === undefined || result instanceof QueueOutcome) return found
  if (!Array.isArray(failures)) throw new InvalidInput('failures', 'must be a list: [{ item, error }]')
  for (const [index, failure] of failures.entries()) {
    const { item, error } = (failure ?? {}) as { item?: AtomicDbItemKey; error?: unknown }
    const key = item && keyText(item)
    if (key === undefined || !known.has(key))
      throw new InvalidInput(`failures[${index}].item`, 'must be a message of this batch')
    found.set(key, { error: error ?? new Error('its batch handler says that it failed') })
  }
  return found
}

/** A signal that follows the last one of several. */
function whenAllAborted(signals: readonly AbortSignal[]): { signal: AbortSignal; stop(): void } {
  const all = new AbortController()
  const look = () => {
    const running = signals.find((one) => !one.aborted)
    if (!running) all.abort(signals.at(-1)?.reason)
  }
  for (const one of signals) one.addEventListener('abort', look, { once: true })
  return {
    signal: all.signal,
    stop: () => {
      for (const one of signals) one.removeEventListener('abort', look)
    },
  }
}
