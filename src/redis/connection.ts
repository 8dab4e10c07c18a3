import { OutcomeUnknown } from '../errors.ts'
import { type RequestOptions, StorageFault } from '../storage.ts'
import type { Link } from './client.ts'
import { isScriptMissing, toFault } from './faults.ts'
import type { Script } from './scripts.ts'

/** How many replicas must have a write before it is answered, and for how long that is waited for. */
export interface ReplicaWait {
  readonly count: number
  readonly ms: number
}

/** The longest wait for a connection, ms; the engine tries again. */
const longestConnectMs = 5000
const lookMs = 5

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends commands and scripts, and tells how they failed in the engine's terms. */
export class Connection {
  /** What all keys begin with. */
  readonly base: string
  readonly #link: Link
  readonly #answerMs: number
  readonly #replicas: ReplicaWait | undefined
  /** What is under way on the connection, and how it ends without an answer. */
  readonly #waiting = new Set<(error: Error) => void>()

  constructor(link: Link, base: string, answerMs: number, replicas?: ReplicaWait) {
    this.#link = link
    this.base = base
    this.#answerMs = answerMs
    this.#replicas = replicas
    link.onLost(() => {
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const fail of waiting) fail(new Error('the connection was lost before the answer'))
    })
  }

  /** The values of keys, as of one moment. */
  async get(keys: readonly string[], options: RequestOptions): Promise<(string | null)[]> {
    await this.#prepare(options)
    return this.#ended(this.#send(['MGET', ...keys]), options) as Promise<(string | null)[]>
  }

  /** A script that reads. */
  async read(script: Script, values: readonly string[], options: RequestOptions): Promise<unknown[]> {
    await this.#prepare(options)
    return this.#ended(this.#run(script, values, options), options) as Promise<unknown[]>
  }

  /** A script that writes, if its first answer is `ok`: then replicas are waited for. */
  async write(script: Script, values: readonly string[], options: RequestOptions): Promise<unknown[]> {
    await this.#prepare(options)
    return this.#ended(this.#run(script, values, options, this.#replicas), options) as Promise<unknown[]>
  }

  async #prepare({ signal, beforeSending }: RequestOptions): Promise<void> {
    if (signal?.aborted) throw signal.reason
    if (!this.#link.isReady()) await this.#connected(signal)
    beforeSending?.()
  }

  async #connected(signal: AbortSignal | undefined): Promise<void> {
    const until = performance.now() + Math.min(longestConnectMs, this.#answerMs)
    while (!this.#link.isReady()) {
      if (performance.now() > until)
        throw new StorageFault('unreachable', `no connection to the server of ${this.base}`)
      await pause(lookMs)
      if (signal?.aborted) throw signal.reason
    }
  }

  /** By name; by its text where the server has not seen it since it started or was flushed. */
  async #run(
    { sha, text }: Script,
    values: readonly string[],
    { beforeSending }: RequestOptions,
    replicas?: ReplicaWait,
  ): Promise<unknown> {
    try {
      return await this.#replicated(['EVALSHA', sha, '1', this.base, ...values], replicas)
    } catch (error) {
      if (!isScriptMissing((error as Error).cause ?? error)) throw error
      beforeSending?.()
      return this.#replicated(['EVAL', text, '1', this.base, ...values], replicas)
    }
  }

  /** `WAIT` goes right behind the write, on its connection: on another one it would say nothing about it. */
  async #replicated(command: readonly string[], replicas: ReplicaWait | undefined): Promise<unknown> {
    if (!replicas) return this.#send(command)
    const [written, waited] = await Promise.allSettled([
      this.#send(command),
      this.#send(['WAIT', String(replicas.count), String(replicas.ms)]),
    ])
    if (written.status === 'rejected') throw written.reason
    if ((written.value as unknown[])[0] !== 'ok') return written.value
    if (waited.status === 'fulfilled' && Number(waited.value) >= replicas.count) return written.value
    const found = waited.status === 'fulfilled' ? Number(waited.value) : 'an unknown number'
    throw new OutcomeUnknown(
      `written by the primary server, but ${found} of ${replicas.count} replicas have confirmed it within ${replicas.ms} ms: a failover may lose it`,
    )
  }

  #send(command: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
        reject(toFault(error, this.base))
      }
      const timer = setTimeout(() => fail(new Error(`no answer for ${this.#answerMs} ms`)), this.#answerMs)
      this.#waiting.add(fail)
      let reply: Promise<unknown>
      try {
        reply = this.#link.send(command, this.base)
      } catch (error) {
        return fail(error)
      }
      reply.then((value) => {
        clearTimeout(timer)
        this.#waiting.delete(fail)
        resolve(value)
      }, fail)
    })
  }

  /** Settles as the work does, or earlier when the caller leaves: what was sent goes on. */
  #ended<T>(work: Promise<T>, { signal }: RequestOptions): Promise<T> {
    if (!signal) return work
    return new Promise<T>((resolve, reject) => {
      const abort = () => reject(signal.reason)
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }
}
