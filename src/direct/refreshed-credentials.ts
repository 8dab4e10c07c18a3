import { AtomicDbError, BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'
import { areSame, checkedCredentials } from './checked-credentials.ts'
import type { CredentialSource, Credentials } from './credentials.ts'

/** How long before they expire credentials are refreshed, ms. */
const aheadMs = 5 * 60_000
/** The shortest time between two refreshes that nobody waits for, ms. */
const pauseMs = 10_000
/** How long a source may take, ms. */
const patienceMs = 60_000

/**
 * Keeps what a source gave until shortly before it expires. One question at a time: whoever needs credentials
 * meanwhile waits for the same answer. No timer runs while nobody asks.
 */
export class RefreshedCredentials implements CredentialSource {
  readonly #ask: () => unknown
  readonly #source: string
  readonly #now: () => number
  #held: Credentials | undefined
  /** From here on newer ones are asked for, while these count still. */
  #refreshAt = 0
  /** From here on these do not count. */
  #endsAt = 0
  /** What the service has called expired. */
  #refused: Credentials | undefined
  #flight: Promise<Credentials> | undefined

  /** What `ask` gives may be a promise. */
  constructor(ask: () => unknown, source: string, now: () => number) {
    this.#ask = ask
    this.#source = source
    this.#now = now
  }

  held(): Credentials | undefined {
    const now = this.#now()
    if (!this.#held || this.#refused || now >= this.#endsAt) return undefined
    // The next call that needs an answer reports what failed here.
    if (now >= this.#refreshAt) this.#refresh().catch(() => {})
    return this.#held
  }

  async current(signal?: AbortSignal): Promise<Credentials> {
    signal?.throwIfAborted()
    return this.held() ?? waitFor(this.#refresh(), signal)
  }

  expired(used: Credentials): void {
    if (this.#held && areSame(used, this.#held)) this.#refused = this.#held
  }

  #refresh(): Promise<Credentials> {
    this.#flight ??= this.#load().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #load(): Promise<Credentials> {
    this.#refreshAt = this.#now() + pauseMs
    const given = await this.#answer()
    const fresh = checkedCredentials(
      given,
      (field, problem) =>
        new BackendError(`${this.#source} gave no AWS credentials: credentials${field} ${problem}`),
    )
    const refused = this.#refused
    this.#hold(fresh)
    if (refused && areSame(fresh, refused)) throw this.#noNewer()
    return fresh
  }

  /** Of what has expired by our clock, the service is the judge: it is used, and the source asked again soon. */
  #hold(fresh: Credentials): void {
    const soon = this.#now() + pauseMs
    const end = fresh.expiration?.getTime() ?? Number.POSITIVE_INFINITY
    this.#held = fresh
    this.#refused = undefined
    this.#refreshAt = Math.max(end - aheadMs, soon)
    this.#endsAt = Math.max(end, soon)
  }

  async #answer(): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const answer = this.#ask()
      if (typeof (answer as Promise<unknown> | undefined)?.then !== 'function') return answer
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(this.#silence()), patienceMs)
        timer.unref()
      })
      return await Promise.race([answer, late])
    } catch (error) {
      throw this.#failure(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #silence(): StorageFault {
    return new StorageFault('unreachable', `${this.#source} gave no answer within ${patienceMs / 1000} s`)
  }

  #failure(error: unknown): unknown {
    if (error instanceof AtomicDbError || error instanceof StorageFault) return error
    const { name, code } = (error instanceof Error ? error : {}) as { name?: string; code?: unknown }
    // The text of a foreign error may contain anything, so it is in the cause only.
    if (typeof code === 'string' || name === 'TimeoutError')
      return new StorageFault('unreachable', `${this.#source}: ${code ?? name}`, error)
    const advice = 'log in, or check what it reads'
    return new BackendError(`${this.#source} failed (${name ?? typeof error}): ${advice}; see cause`, {
      cause: error,
    })
  }

  #noNewer(): BackendError {
    return new BackendError(
      `the AWS credentials have expired, and ${this.#source} has no newer ones: log in, or give a provider that refreshes them`,
    )
  }
}

/** The answer, unless the signal comes first. */
function waitFor<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const done = () => signal.removeEventListener('abort', abort)
    answer.then(resolve, reject).finally(done)
  })
}
