import { Semaphore } from '../coordination/index.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { checkDb, checkFunction, checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { streamReadersKey } from '../model/key-names.ts'
import { notify } from '../model/notify.ts'
import { type QueueWakeUp, WorkerStopped } from '../worker/index.ts'
import type { StreamsClient } from './client.ts'
import { Listeners } from './listeners.ts'
import { newsIn } from './news.ts'
import { streamOf } from './shards.ts'
import { StreamReader } from './stream-reader.ts'

/** What happens to the reader of a stream, for logs. */
export type StreamsEvent =
  /** This process was elected and reads from now on; it does so no more. */
  | { type: 'reading' | 'resting' }
  /** A request failed. It is made again, or left to another process. */
  | { type: 'error'; error: unknown }

/** Options of `streamsWakeUp`. */
export interface StreamsWakeUpOptions {
  /** The table, whose stream that is on is read. Either this or `streamArn`. */
  tableName?: string
  /** The stream. */
  streamArn?: string
  /**
   * How many processes read it at once, 1 or 2: DynamoDB allows two readers of a shard, and each Lambda function at the
   * stream is one of them. @default 2
   */
  readers?: number
  /** Wait between two readings of a shard, ms. @default 250 */
  pollMs?: number
  /** Called with every event. What it throws or rejects with is ignored. */
  onEvent?: (event: StreamsEvent) => unknown
}

/** Of the election: a reader that dies is replaced after this time, ms. */
const leaseMs = 30_000
/** How often those that are not elected look whether there is room, ms. */
const candidateMs = 30_000
/** A reader without any answer for so long gives up, for another process to do better, ms. */
const patienceMs = 20_000
/** It is no candidate for so long then; twice that after each failure, up to the last, ms. */
const restMs: readonly [number, number] = [15_000, 300_000]

/**
 * Wakes workers by the stream of the table as soon as another process has pushed something: give it to their option
 * `wakeUp`. For processes that live long; those of Lambda are woken by an event source mapping. One of these serves all
 * workers of a process. Two processes read the stream at a time, elected by leases, and wake their own workers; the
 * others go on looking as without it. Any view type of the stream will do; with new images it sees releases too.
 *
 * Costs per reader: 4 readings a second of each shard of the stream (10 million a month, $2 at $0.02 per 100,000), and
 * 2 WRU a minute; per process that waits to be one: 2 RRU a minute. Reads while workers listen, and ends with them.
 *
 * @param streams `new DynamoDBStreams({ region })` of `@aws-sdk/client-dynamodb-streams`. It needs `dynamodb:ListStreams`
 * (with `tableName`), `DescribeStream`, `GetShardIterator` and `GetRecords`, and the table's role
 * read and write at the partition `lockrow#streams`.
 * @throws InvalidInput without a table or a stream.
 * @example
 * ```ts
 * const wakeUp = streamsWakeUp(db, new DynamoDBStreams({}), { tableName: 'app' })
 * new QueueWorker(db, send, { pk: 'mails', wakeUp })
 * ```
 */
export function streamsWakeUp(
  db: AtomicDbInterface,
  streams: StreamsClient,
  options: StreamsWakeUpOptions,
): QueueWakeUp {
  checkDb(db)
  for (const method of ['listStreams', 'describeStream', 'getShardIterator', 'getRecords'] as const)
    checkFunction((streams as Partial<StreamsClient> | undefined)?.[method], `streams.${method}`)
  checkOptions(options, ['tableName', 'streamArn', 'readers', 'pollMs', 'onEvent'])
  const { tableName, streamArn, readers = 2, pollMs = 250, onEvent } = options ?? {}
  const name = streamArn ?? tableName
  if (typeof name !== 'string' || name === '' || (tableName !== undefined && streamArn !== undefined))
    throw new InvalidInput('tableName', 'must be the name of a table; or streamArn that of a stream')
  wholeNumber(readers, 'readers', { min: 1, max: 2 })
  milliseconds(pollMs, 'pollMs')
  if (onEvent !== undefined) checkFunction(onEvent, 'onEvent')
  const wakeUp = new StreamsWakeUp(db, streams, { tableName, streamArn, readers, pollMs, onEvent }, name)
  return (wake, { pk, isFamily }) => wakeUp.listen(pk, wake, isFamily)
}

type Settings = StreamsWakeUpOptions & { readers: number; pollMs: number }

class StreamsWakeUp {
  readonly #db: AtomicDbInterface
  readonly #streams: StreamsClient
  readonly #settings: Settings
  readonly #election: Semaphore
  readonly #listeners = new Listeners()
  /** Ends the reading; there is one while somebody listens. */
  #running: AbortController | undefined

  constructor(db: AtomicDbInterface, streams: StreamsClient, settings: Settings, name: string) {
    this.#db = db
    this.#streams = streams
    this.#settings = settings
    this.#election = new Semaphore(db, streamReadersKey(name), {
      permits: settings.readers,
      ttlMs: leaseMs,
    })
  }

  listen(queue: string, wake: () => void, isFamily = false): () => void {
    const leave = this.#listeners.add(queue, wake, isFamily)
    if (!this.#running) {
      this.#running = new AbortController()
      void this.#run(this.#running.signal)
    }
    return () => {
      leave()
      if (!this.#listeners.isEmpty) return
      this.#running?.abort(new WorkerStopped('no worker listens any more'))
      this.#running = undefined
    }
  }

  /** Is elected, reads, and rests where that fails, until nobody listens any more. Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    const { runtime } = this.#db
    let rest = restMs[0]
    while (!signal.aborted) {
      const began = runtime.monotonic()
      try {
        await this.#election.run((held) => this.#read(held.signal), { signal, pollMs: candidateMs })
      } catch (error) {
        if (!signal.aborted) notify(this.#settings.onEvent, { type: 'error', error })
      }
      if (signal.aborted) return
      if (runtime.monotonic() - began > restMs[1]) rest = restMs[0]
      await runtime.sleep(rest * (0.5 + runtime.random() / 2), { signal, unref: true }).catch(() => {})
      rest = Math.min(restMs[1], rest * 2)
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { onEvent, pollMs, tableName } = this.#settings
    const onError = (error: unknown) => notify(onEvent, { type: 'error', error } as const)
    const streamArn = this.#settings.streamArn ?? (await streamOf(this.#streams, tableName!, signal))
    if (streamArn === undefined) throw new InvalidInput('tableName', `${tableName} has no stream`)
    notify(onEvent, { type: 'reading' })
    try {
      await new StreamReader({
        client: this.#streams,
        streamArn,
        runtime: this.#db.runtime,
        pollMs,
        patienceMs,
        signal,
        onRecords: (records) => this.#listeners.wake(newsIn(records)),
        onGap: () => this.#listeners.wakeAll(),
        onError,
      }).read()
    } finally {
      notify(onEvent, { type: 'resting' })
    }
  }
}
