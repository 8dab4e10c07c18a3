import { longestTimerMs } from '../runtime.ts'
import type { RequestOptions } from '../storage.ts'
import type { Carried, Carrier } from './carrying.ts'
import { ExchangeFailure } from './exchange-failure.ts'
import type { Limits } from './options.ts'
import type { Pool } from './pool.ts'
import { type RawReply, ReplyParser } from './reply-parser.ts'

/**
 * One request and its reply. `text` makes the whole request, once: while a new connection is made, or for one that is
 * there. It leaves in one piece, so that it counts as sent only from then on, and `beforeSending` has the last word.
 */
export const exchanged = (
  pool: Pool,
  text: () => string,
  limits: Limits,
  options: RequestOptions,
): Promise<RawReply> =>
  new Promise((resolve, reject) => new Exchange(pool, text, limits, options, resolve, reject).start())

type Phase = 'connectTimeoutMs' | 'firstByteTimeoutMs' | 'requestTimeoutMs'
const missing: Readonly<Record<Phase, string>> = {
  connectTimeoutMs: 'connection',
  firstByteTimeoutMs: 'reply',
  requestTimeoutMs: 'whole reply',
}

/** A request on its way through the pool, a connection, and back. */
class Exchange implements Carried {
  readonly #pool: Pool
  readonly #make: () => string
  #text: string | undefined
  readonly #limits: Limits
  readonly #options: RequestOptions
  readonly #resolve: (reply: RawReply) => void
  readonly #reject: (error: unknown) => void
  readonly #endsAt: number
  #parser: ReplyParser | undefined
  #connection: Carrier | undefined
  #phase: Phase | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSent = false
  /** A part of it has not left yet: the reply is not late. */
  #isUploading = false
  #isOver = false

  constructor(
    pool: Pool,
    make: () => string,
    limits: Limits,
    options: RequestOptions,
    resolve: (reply: RawReply) => void,
    reject: (error: unknown) => void,
  ) {
    this.#pool = pool
    this.#make = make
    this.#limits = limits
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.#endsAt = performance.now() + limits.requestTimeoutMs
  }

  start(): void {
    const { signal } = this.#options
    if (signal?.aborted) {
      this.#fail(signal.reason)
      return
    }
    signal?.addEventListener('abort', this.#abort, { once: true })
    this.#pool.run(this)
    // It may have been sent already.
    if (this.#isSent || this.#isOver) return
    if (this.#connection) this.#prepare()
    else this.#within('requestTimeoutMs', 'free connection: set maxSockets')
  }

  #prepare(): void {
    try {
      this.#text = this.#make()
    } catch (error) {
      this.#fail(error)
    }
  }

  connecting(connection: Carrier): void {
    this.#connection = connection
    this.#within('connectTimeoutMs')
  }

  send(connection: Carrier): boolean {
    this.#connection = connection
    let text: string
    try {
      text = this.#text ?? this.#make()
      this.#options.beforeSending?.()
    } catch (error) {
      this.#settle()
      this.#reject(error)
      return false
    }
    // Aborted by that, and the connection with it.
    if (this.#isOver) return true
    this.#isSent = true
    this.#parser = new ReplyParser(this.#limits.maxReplyBytes)
    this.#isUploading = !connection.write(text)
    this.#within(this.#isUploading ? 'requestTimeoutMs' : 'firstByteTimeoutMs')
    return true
  }

  written(): void {
    if (!this.#isUploading || this.#isOver) return
    this.#isUploading = false
    this.#within('firstByteTimeoutMs')
  }

  read(chunk: Buffer): void {
    try {
      const reply = this.#parser!.push(chunk)
      this.#isUploading = false
      if (reply) this.#done(reply)
      else if (this.#phase !== 'requestTimeoutMs') this.#within('requestTimeoutMs')
    } catch (error) {
      this.#fail(error)
    }
  }

  ended(): void {
    const reply = this.#parser?.end()
    if (reply) this.#done(reply)
  }

  lost(problem: unknown): void {
    const { code, message, name } = (problem ?? { code: 'ECONNRESET' }) as Error & { code?: string }
    this.#connection = undefined
    this.#fail(
      new ExchangeFailure(
        code ?? name ?? typeof problem,
        message ?? 'the connection was ended',
        this.#isSent,
        problem,
      ),
    )
  }

  #done(reply: RawReply): void {
    if (this.#isOver) return
    this.#settle()
    this.#resolve(reply)
    // After the reply, which may be a part of what the connection has read.
    if (this.#parser!.isReusable) this.#connection!.release()
    else this.#connection!.destroy()
  }

  readonly #abort = (): void => this.#fail(this.#options.signal?.reason)

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#settle()
    this.#pool.cancel(this)
    this.#connection?.destroy()
    this.#reject(error)
  }

  /** The next step must come within its time, and all of them within that of the whole. */
  #within(phase: Phase, what = missing[phase]): void {
    clearTimeout(this.#timer)
    this.#phase = phase
    const left = this.#endsAt - performance.now()
    const isWhole = left <= this.#limits[phase]
    const bound = isWhole ? 'requestTimeoutMs' : phase
    this.#timer = setTimeout(
      () => {
        const text = `no ${what} within ${bound}, ${this.#limits[bound]} ms`
        this.#fail(new ExchangeFailure('ETIMEDOUT', text, this.#isSent))
      },
      Math.min(isWhole ? left : this.#limits[phase], longestTimerMs),
    )
  }

  #settle(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#abort)
  }
}
