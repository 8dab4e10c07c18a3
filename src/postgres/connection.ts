import { type RequestOptions, StorageFault } from '../storage.ts'
import { sqlState, toFault } from './faults.ts'
import type { PostgresClient, PostgresPool, PostgresResult } from './pool.ts'
import { ServerClock, serverTime, tooLate } from './server-clock.ts'

/** A statement and its values. */
export interface Statement {
  text: string
  values: unknown[]
  /** Writes, and has one more parameter: until when it may, by the clock of the server. */
  isTimed?: true
}

const ignore = (): void => {}
/** Pools whose broken idle connections are no reason to end the program: each is replaced when it is needed. */
const heard = new WeakSet<PostgresPool>()

/** Sends statements, each as a transaction of its own, and tells how they failed in the engine's terms. */
export class Connection {
  readonly where: string
  readonly #pool: PostgresPool
  readonly #answerMs: number
  readonly #clock = new ServerClock(async () => {
    const { rows } = await this.run({ text: `SELECT ${serverTime} AS now`, values: [] })
    return (rows[0] as { now: number }).now
  })

  constructor(pool: PostgresPool, where: string, answerMs: number) {
    this.#pool = pool
    this.where = where
    this.#answerMs = answerMs
    if (heard.has(pool)) return
    heard.add(pool)
    pool.on?.('error', ignore)
  }

  /** One statement. */
  async run(statement: Statement, options: RequestOptions = {}): Promise<PostgresResult> {
    if (statement.isTimed) await withSignal(this.#clock.read(), options.signal)
    const client = await this.#connect(options)
    return this.#using(client, options, () => this.#send(client, statement))
  }

  /** Several statements in a transaction; an error of one undoes all. */
  async together<T>(
    options: RequestOptions,
    work: (send: (statement: Statement) => Promise<PostgresResult>) => Promise<T>,
  ): Promise<T> {
    await withSignal(this.#clock.read(), options.signal)
    const client = await this.#connect(options)
    return this.#using(client, options, async () => {
      const send = (statement: Statement) => this.#send(client, statement)
      await send({ text: 'BEGIN', values: [] })
      try {
        const result = await work(send)
        await send({ text: 'COMMIT', values: [] })
        return result
      } catch (error) {
        // Where this fails as well, the connection is closed.
        if (!(error instanceof StorageFault && error.kind === 'unknown'))
          await send({ text: 'ROLLBACK', values: [] })
        throw error
      }
    })
  }

  async #connect({ signal }: RequestOptions): Promise<PostgresClient> {
    if (signal?.aborted) throw signal.reason
    const connecting = this.#pool.connect()
    let isAborted = false
    let abort = ignore
    try {
      const aborted = new Promise<never>((_, reject) => {
        abort = () => {
          isAborted = true
          reject(signal!.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
      })
      return signal ? await Promise.race([connecting, aborted]) : await connecting
    } catch (error) {
      if (isAborted) void connecting.then((client) => client.release(), ignore)
      throw isAborted ? error : toFault(error, this.where, 'connecting')
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** The caller may leave earlier: what was sent goes on, and its connection is free when it has ended. */
  #using<T>(
    client: PostgresClient,
    { signal, beforeSending }: RequestOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      if (signal?.aborted) throw signal.reason
      beforeSending?.()
    } catch (error) {
      client.release()
      throw error
    }
    return withSignal(this.#ended(client, work), signal)
  }

  async #ended<T>(client: PostgresClient, work: () => Promise<T>): Promise<T> {
    client.on('error', ignore)
    let isBroken = false
    let isReleased = false
    const release = () => {
      if (isReleased) return
      isReleased = true
      client.release(isBroken)
      client.removeListener('error', ignore)
    }
    // A connection that is silent for so long is given up: its request is then answered as broken.
    const timer = setTimeout(() => {
      isBroken = true
      release()
    }, this.#answerMs)
    try {
      return await work()
    } catch (error) {
      isBroken ||= error instanceof StorageFault && error.kind === 'unknown'
      throw error
    } finally {
      clearTimeout(timer)
      release()
    }
  }

  async #send(client: PostgresClient, statement: Statement): Promise<PostgresResult> {
    try {
      const { text, values, isTimed } = statement
      return await client.query({
        text,
        values: isTimed ? [...values, this.#clock.after(this.#answerMs)] : values,
      })
    } catch (error) {
      if (sqlState(error) === tooLate) this.#clock.forget()
      throw toFault(error, this.where, 'sent')
    }
  }
}

/** Settles as the work does, or earlier when the signal fires. */
export function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
