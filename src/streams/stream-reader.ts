import { Bell } from '../worker/bell.ts'
import { ShardReader, type ShardReading } from './shard-reader.ts'
import { hasEnded, shardsOfStream } from './shards.ts'

/** How often the shards of a stream are listed, ms; sooner after one has ended, until its children are there. */
const listMs = 300_000
const soonMs = 1000
/** A shard may end without children, as when the stream is switched off: then they are not waited for any longer, ms. */
const childrenMs = 60_000

/** All shards of a stream, from now on. */
export class StreamReader {
  readonly #reading: ShardReading
  /** Those that are read, or were. */
  readonly #known = new Set<string>()
  /** Those that have ended and whose children are not there yet, and since when. */
  readonly #childless = new Map<string, number>()
  readonly #ended = new Bell()
  readonly #stop = new AbortController()
  #active = 0
  #failure: { error: unknown } | undefined

  constructor(reading: ShardReading) {
    this.#reading = { ...reading, signal: this.#stop.signal }
    const { signal } = reading
    const stop = () => this.#end(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    this.#unfollow = () => signal.removeEventListener('abort', stop)
  }

  readonly #unfollow: () => void

  /**
   * Reads until the stream is over, as when it is switched off. Rejects when the signal is aborted, or it cannot be read.
   */
  async read(): Promise<void> {
    try {
      await this.#begin()
      for (;;) {
        const ended = this.#ended.count
        await this.#wait(ended, this.#childless.size > 0 ? soonMs : listMs)
        if (this.#failure) throw this.#failure.error
        await this.#list()
        if (this.#active + this.#childless.size === 0) return
      }
    } finally {
      this.#unfollow()
      this.#stop.abort()
    }
  }

  /** What was pushed before is found by the look that follows: of shards that have ended nothing is read. */
  async #begin(): Promise<void> {
    const { client, streamArn, signal, onGap } = this.#reading
    const open: ShardReader[] = []
    for (const shard of await shardsOfStream(client, streamArn, signal)) {
      this.#known.add(shard.ShardId!)
      if (!hasEnded(shard)) open.push(new ShardReader(this.#reading, shard.ShardId!, 'LATEST'))
    }
    await Promise.all(open.map((shard) => shard.open()))
    signal.throwIfAborted()
    onGap()
    for (const shard of open) this.#follow(shard)
  }

  /** Reads the shards that are new, from their first record. */
  async #list(): Promise<void> {
    const { client, streamArn, signal, runtime, onError } = this.#reading
    try {
      const shards = await shardsOfStream(client, streamArn, signal)
      for (const { ShardId, ParentShardId } of shards) {
        if (ParentShardId !== undefined) this.#childless.delete(ParentShardId)
        if (ShardId === undefined || this.#known.has(ShardId)) continue
        this.#known.add(ShardId)
        this.#follow(new ShardReader(this.#reading, ShardId, 'TRIM_HORIZON'))
      }
      const there = new Set(shards.map(({ ShardId }) => ShardId))
      for (const id of this.#known) if (!there.has(id)) this.#known.delete(id)
      for (const [id, since] of this.#childless)
        if (runtime.monotonic() - since > childrenMs) this.#childless.delete(id)
    } catch (error) {
      signal.throwIfAborted()
      if (this.#active === 0) throw error
      onError(error)
    }
  }

  #follow(shard: ShardReader): void {
    this.#active++
    shard.read().then(
      () => {
        this.#active--
        this.#childless.set(shard.id, this.#reading.runtime.monotonic())
        this.#ended.ring()
      },
      (error) => this.#end(error),
    )
  }

  #end(error: unknown): void {
    this.#failure ??= { error }
    this.#stop.abort(error)
    this.#ended.ring()
  }

  /** Until a shard has ended, or so long. */
  async #wait(ended: number, ms: number): Promise<void> {
    const done = new AbortController()
    const slept = this.#reading.runtime.sleep(ms, { signal: done.signal, unref: true }).then(
      () => this.#ended.ring(),
      () => {},
    )
    await this.#ended.after(ended, this.#stop.signal)
    done.abort()
    await slept
  }
}
