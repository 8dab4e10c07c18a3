import { Readable } from 'node:stream'
import type { AtomicDbItem, AtomicDbQuery } from '../../interface.ts'
import { checkCallOptions, checkQuery } from '../../model/option-names.ts'
import { toRange } from '../../model/range.ts'
import type { Context } from '../context.ts'
import { inCall } from '../in-call.ts'
import { pages } from '../items.ts'
import { readRange } from '../requests.ts'

/**
 * Items one by one, at most one page ahead of the reader. Each page is a call of its own, so the reader may take its
 * time; destroying the stream, or aborting its signal, ends the page under way at once.
 */
class ItemStream<T> extends Readable {
  readonly #ending = new AbortController()
  readonly #source: AsyncIterator<AtomicDbItem<T>[]>
  readonly #release: () => void
  #ahead: Promise<IteratorResult<AtomicDbItem<T>[]>>
  #items: AtomicDbItem<T>[] = []
  #next = 0
  #waiting = false

  constructor(context: Context, given: AtomicDbQuery) {
    checkQuery(given)
    super({ objectMode: true, highWaterMark: 1 })
    const { signal } = this.#ending
    const options = {
      signal,
      // Asked for each page: what is left of a time that ends.
      get timeoutMs() {
        return given.timeoutMs
      },
    }
    const caller = given.signal
    const abort = () => this.destroy(caller?.reason)
    this.#release = () => caller?.removeEventListener('abort', abort)
    this.#source = pages<T>(context, given, toRange(given), (range, consistent) =>
      inCall(context, checkCallOptions, options, (context) => readRange(context, range, consistent)),
    )
    if (caller?.aborted) this.#ending.abort(caller.reason)
    else caller?.addEventListener('abort', abort, { once: true })
    this.#ahead = this.#readAhead()
  }

  /** The failure of a page that is read ahead is reported when the reader comes to it. */
  #readAhead(): Promise<IteratorResult<AtomicDbItem<T>[]>> {
    const page = this.#source.next()
    page.catch(() => {})
    return page
  }

  override _read(): void {
    if (this.#waiting) return
    while (this.#next < this.#items.length) if (!this.push(this.#items[this.#next++])) return
    this.#waiting = true
    this.#ahead.then(
      (page) => {
        this.#waiting = false
        if (page.done) return void this.push(null)
        this.#items = page.value
        this.#next = 0
        this.#ahead = this.#readAhead()
        this._read()
      },
      (error: unknown) => this.destroy(error as Error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#release()
    this.#ending.abort()
    done(error)
  }
}

export const stream = <T>(context: Context, given: AtomicDbQuery): Readable =>
  new ItemStream<T>(context, given)
