import type { Runtime } from '../runtime.ts'
import { isThrottled, nameOfError, type StreamRecord, type StreamsClient } from './client.ts'

/** What reading a shard needs, and whom it tells. */
export interface ShardReading {
  client: StreamsClient
  streamArn: string
  runtime: Runtime
  pollMs: number
  /** Reading goes on without an answer for so long, ms; then it fails. */
  patienceMs: number
  signal: AbortSignal
  onRecords(records: readonly StreamRecord[]): void
  /** Records may have been missed. */
  onGap(): void
  /** A request that failed is made again. */
  onError(error: unknown): void
}

const slowestMs = 10_000

/** One shard of a stream, read from its newest record on, or from its first one, until it ends. */
export class ShardReader {
  readonly #reading: ShardReading
  readonly id: string
  readonly #from: 'LATEST' | 'TRIM_HORIZON'
  #iterator: string | undefined
  /** Of the last record that was read. */
  #last: string | undefined
  #failures = 0
  #answeredAt: number

  constructor(reading: ShardReading, shardId: string, from: 'LATEST' | 'TRIM_HORIZON') {
    this.#reading = reading
    this.id = shardId
    this.#from = from
    this.#answeredAt = reading.runtime.monotonic()
  }

  /** Where it begins. A request that fails is made again by `read`. */
  async open(): Promise<void> {
    try {
      await this.#place()
    } catch (error) {
      this.#reading.onError(error)
    }
  }

  /** Resolves when the shard has ended, or is gone. Rejects when it cannot be read, or with the reason of the signal. */
  async read(): Promise<void> {
    const { runtime, signal, pollMs } = this.#reading
    for (;;) {
      signal.throwIfAborted()
      let waitMs = pollMs
      try {
        if (this.#iterator === undefined) {
          await this.#place()
          if (this.#last === undefined && this.#from === 'LATEST') this.#reading.onGap()
        }
        if (!(await this.#page())) return
      } catch (error) {
        signal.throwIfAborted()
        if (nameOfError(error) === 'ResourceNotFoundException') return
        waitMs = this.#after(error)
      }
      await runtime.sleep(waitMs, { signal })
    }
  }

  async #place(): Promise<void> {
    const { client, streamArn, signal } = this.#reading
    const last = this.#last
    const { ShardIterator } = await client.getShardIterator(
      {
        StreamArn: streamArn,
        ShardId: this.id,
        ...(last === undefined
          ? { ShardIteratorType: this.#from }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: last }),
      },
      { abortSignal: signal },
    )
    this.#iterator = ShardIterator
  }

  /** Reads one page; false: it was the last one. */
  async #page(): Promise<boolean> {
    const { client, runtime, signal, onRecords } = this.#reading
    // A shard without an iterator has ended.
    if (this.#iterator === undefined) return false
    const { Records = [], NextShardIterator } = await client.getRecords(
      { ShardIterator: this.#iterator },
      { abortSignal: signal },
    )
    this.#failures = 0
    this.#answeredAt = runtime.monotonic()
    this.#last = Records.at(-1)?.dynamodb?.SequenceNumber ?? this.#last
    this.#iterator = NextShardIterator
    onRecords(Records)
    return NextShardIterator !== undefined && NextShardIterator !== null
  }

  /** How long to wait after this failure, ms. */
  #after(error: unknown): number {
    const { runtime, patienceMs, pollMs, onError } = this.#reading
    const name = nameOfError(error)
    if (name === 'ExpiredIteratorException') {
      this.#iterator = undefined
      return 0
    }
    if (name === 'TrimmedDataAccessException') {
      // Older than the stream keeps: what is there is news enough.
      this.#iterator = undefined
      this.#last = undefined
      this.#reading.onGap()
    }
    onError(error)
    if (!isThrottled(error) && runtime.monotonic() - this.#answeredAt > patienceMs) throw error
    const bound = Math.min(slowestMs, Math.max(pollMs, 100) * 2 ** Math.min(10, ++this.#failures))
    return bound * (0.5 + runtime.random() / 2)
  }
}
