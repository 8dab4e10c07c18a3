import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import {
  checkDb,
  checkFunction,
  checkOptions,
  maxDurationMs,
  shortText,
  wholeNumber,
} from '../model/checks.ts'
import { checkFamilyName } from '../model/families.ts'
import { checkPk } from '../model/keys.ts'
import { notify } from '../model/notify.ts'
import { checkShards } from '../model/shards.ts'
import { emitQueueMetrics, type QueueMetrics } from '../otel/emf.ts'
import type { QueueWorkerEvent } from './events.ts'

/** Options of `QueueMonitor`. */
export interface QueueMonitorOptions {
  /** Name of the table: the dimension `table`. */
  table: string
  /** The queue. Either this or `family`. */
  pk?: string
  /** All queues that are pushed to with this `family`, as one. */
  family?: string
  /** For a queue with shards: their number. */
  shards?: number
  /** The dead-letter queue. @default `pk`, or `family`, with `#dead` */
  deadLetter?: string
  /** Time between two readings, at least 1000 ms. @default 60_000 */
  everyMs?: number
  /** Maximum number of messages that a reading counts. @default 500 */
  limit?: number
  /** Takes a reading, such as `queueGauges(meter)` of `lockrow/otel`. @default `emitQueueMetrics`: a line of JSON for CloudWatch */
  emit?: (metrics: QueueMetrics) => unknown
  /** Called when a reading fails; the next one follows. Must not throw. */
  onError?: (error: unknown) => unknown
}

const leastMs = 1000

/**
 * Reports the numbers of a queue at once, before any message is handled, and then every minute, from a process that
 * lives long: depth, age, dead letters, and what the workers of this process have handled and failed since the last
 * reading, if they are told of it. The alarm `silence` of `addQueueAlarms` rings where no process reports any more. A reading
 * is eventually consistent: 55 to 75 RRU over any backlog of messages of 0.85 KB, $0.30 to $0.40 a month; 1 to 2 RRU while
 * the queue is empty. One process may report for all, or each: counts of messages are the same, what was handled adds up.
 *
 * @example
 * const monitor = new QueueMonitor(db, { table: 'app', pk: 'jobs' })
 * const worker = new QueueWorker(db, async (item) => console.log(item.data), { pk: 'jobs', onEvent: monitor.onEvent })
 * await worker.stop()
 * await monitor.stop()
 */
export class QueueMonitor implements AsyncDisposable {
  readonly #db: AtomicDbInterface
  readonly #options: QueueMonitorOptions
  readonly #stopped = new AbortController()
  readonly #loop: Promise<void>
  #handled = 0
  #failed = 0

  constructor(db: AtomicDbInterface, options: QueueMonitorOptions) {
    checkDb(db)
    this.#db = db
    this.#options = checkMonitor(options)
    this.#loop = this.#run()
  }

  /** For the `onEvent` of workers, and of `queueLambda`: counts what they have handled, and what failed. */
  readonly onEvent = ({ type }: QueueWorkerEvent): void => {
    if (type === 'done') this.#handled++
    else if (type === 'retry' || type === 'dead') this.#failed++
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await this.#report(signal)
      const { everyMs = 60_000 } = this.#options
      await this.#db.runtime.sleep(everyMs, { signal, unref: true }).catch(() => {})
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { table, pk, family, shards, deadLetter, limit, emit = emitQueueMetrics } = this.#options
    const place = family === undefined ? pk! : { family }
    try {
      const options = { shards, deadLetter, limit, consistent: false, signal }
      const stats = await this.#db.queueStats(place, options)
      const counts = { handled: this.#handled, failed: this.#failed }
      await emit({ ...stats, ...counts, table, queue: family ?? pk! })
      // What comes meanwhile belongs to the next reading.
      this.#handled -= counts.handled
      this.#failed -= counts.failed
    } catch (error) {
      if (!signal.aborted) notify(this.#options.onError, error)
    }
  }

  /** Reports no more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#loop
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

const names = ['table', 'pk', 'family', 'shards', 'deadLetter', 'everyMs', 'limit', 'emit', 'onError']

function checkMonitor(options: QueueMonitorOptions): QueueMonitorOptions {
  checkOptions(options, names)
  const { table, pk, family, shards, deadLetter, everyMs, limit, emit, onError } = options ?? {}
  shortText(table, 'table', 1024)
  if (family === undefined) checkPk(pk)
  else {
    checkFamilyName(family)
    for (const name of ['pk', 'shards'] as const)
      if (options[name] !== undefined) throw new InvalidInput(name, 'cannot stand with family')
  }
  if (shards !== undefined) checkShards(shards)
  if (deadLetter !== undefined) checkPk(deadLetter, 'deadLetter')
  if (everyMs !== undefined) wholeNumber(everyMs, 'everyMs', { min: leastMs, max: maxDurationMs })
  if (limit !== undefined) wholeNumber(limit, 'limit', { min: 1 })
  if (emit !== undefined) checkFunction(emit, 'emit')
  if (onError !== undefined) checkFunction(onError, 'onError')
  return Object.freeze({ ...options })
}
