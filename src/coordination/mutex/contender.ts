import { allOf } from '../../contract/conditions.ts'
import { BackendError } from '../../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../../interface.ts'
import { nameOf } from '../coordination-key.ts'
import type { HeldLease } from '../held-lease.ts'
import type { Moment } from '../lease.ts'
import { type Claim, claimLease } from '../lease-claim.ts'
import { follow } from '../run-with-lease.ts'
import { NotAcquired, type WaitOptions, waitFor } from '../wait-for.ts'
import { clearMutex, MutexHold } from './mutex-hold.ts'
import type { MutexSettings } from './mutex-options.ts'
import type { MutexRow, MutexState } from './mutex-row.ts'
import { Line } from './ticket-line.ts'
import { Vacancy } from './vacancy.ts'

/** What is held: its lease, and its row as this process knows it. */
export interface Held {
  lease: HeldLease<number>
  row: MutexHold
}

type Tried = { held: Held } | { held?: undefined; state: MutexState }

/** Maximum requests of one try: each but the first cleared the way, or repeats a lost request. */
const mostTurns = 30
const mostLost = 3

/** Tries to get a mutex, once or until the time is up. */
export class Contender {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #settings: MutexSettings
  readonly #line: Line | undefined
  readonly vacancy: Vacancy
  /** What the object of this contender holds. */
  held: Held | undefined

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, settings: MutexSettings) {
    this.#db = db
    this.#key = key
    this.#settings = settings
    const { ticketMs, toleranceMs } = settings
    this.#line = ticketMs === undefined ? undefined : new Line(db, key, ticketMs, toleranceMs)
    this.vacancy = new Vacancy(db, key, settings)
  }

  /** Waits until it is held. */
  async acquire(options: WaitOptions): Promise<HeldLease<number>> {
    const ending = new AbortController()
    const unfollow = [options.signal, this.#settings.liveness?.draining].map((signal) =>
      follow(signal, ending),
    )
    try {
      return await this.#wait({ ...options, signal: ending.signal })
    } catch (error) {
      await this.#line?.leave()
      throw error
    } finally {
      for (const stop of unfollow) stop()
    }
  }

  async #wait(options: WaitOptions): Promise<HeldLease<number>> {
    const answer = await waitFor<Tried>(this.#db, options, {
      attempt: (call) => this.#tryOrDraw(options.timeoutMs !== 0, call),
      succeeded: ({ held }) => held !== undefined,
      probe: (call) => this.#worthATry(call),
      slowestMs: () => this.#line?.slowestMs ?? 250,
      isNear: () => this.#line?.movedUp() ?? false,
    })
    if (answer.held) return answer.held.lease
    throw this.#notAcquired(answer.state)
  }

  /** A try; a fair one that fails draws a ticket, once. */
  async #tryOrDraw(waits: boolean, call: CallOptions): Promise<Tried> {
    const answer = await this.tryOnce(call)
    if (!answer.held && waits && this.#line?.waits === false) await this.#line.enter(call)
    return answer
  }

  /** One try: 1 request, more where the way has to be cleared or a reply was lost. */
  async tryOnce(call: CallOptions): Promise<Tried> {
    this.#settings.liveness?.draining.throwIfAborted()
    this.#settings.liveness?.mustBeAlive()
    const own = await this.#stateOfOwn(call)
    if (own) return { state: own }
    for (let turn = 0, lost = 0; turn < mostTurns && lost < mostLost; turn++) {
      const { held, item, doubt } = await this.#claim(call)
      if (held) {
        this.held = held
        return { held }
      }
      if (doubt) lost++
      if (!(await this.#clearWay(item?.data, call))) return { state: this.vacancy.stateOf(item?.data) }
    }
    throw new BackendError(`the requests to acquire ${nameOf(this.#key)} were lost`, { keys: [this.#key] })
  }

  /** Held by this very object: another try must not touch what it holds. */
  async #stateOfOwn(call: CallOptions): Promise<MutexState | undefined> {
    if (!this.held?.lease.isHeld) return undefined
    const state = await this.vacancy.peek(call)
    if (state.owner === this.held?.lease.id && this.held.lease.isHeld) return state
    this.held = undefined
    return undefined
  }

  async #claim(call: CallOptions) {
    let row: MutexHold | undefined
    const claimed = await claimLease<MutexRow, number>(this.#db, this.#key, call, (owner, sent) => {
      const until = this.#settings.ttlMs === Number.POSITIVE_INFINITY ? null : this.#deadline(sent)
      return this.#claimAs(owner, sent, until, (token) => {
        row = this.hold({ ...this.#key, owner, token, beat: owner, until })
        return row
      })
    })
    const { lease, item, doubt } = claimed
    if (lease) this.#line?.done()
    return { held: lease && row && { lease, row }, item, doubt }
  }

  #deadline(sent: Moment): number {
    return Math.ceil(sent.wall + this.#settings.ttlMs)
  }

  /** The one write that takes the mutex. */
  #claimAs(
    owner: string,
    sent: Moment,
    until: number | null,
    keep: (token: number) => MutexHold,
  ): Claim<MutexRow, number> {
    const { ttlMs, liveness, label } = this.#settings
    const leaseMs = until === null ? null : Math.ceil(ttlMs)
    const process = liveness ? liveness.key : null
    const set = { owner, until, beat: owner, leaseMs, process, since: sent.wall, label: label ?? null }
    const free = this.vacancy.condition(sent.wall)
    return {
      changes: { add: { token: 1 }, set, ...this.#line?.leaving },
      if: this.#line ? allOf(free, this.#line.turn) : free,
      fields: ['token', 'line'],
      ttlMs,
      isOurs: (item) => item?.data.owner === owner,
      takeAway: () => clearMutex(this.#db, this.#key, owner, {}),
      abandoned: this.vacancy.abandoned,
      keptIn: (item) => keep(item.data.token),
    }
  }

  hold(taken: ConstructorParameters<typeof MutexHold>[1]): MutexHold {
    return new MutexHold(this.#db, taken, this.#settings)
  }

  /** Takes out of the way what nobody alive holds. True: another try is worth it. */
  async #clearWay(row: MutexRow | undefined, call: CallOptions): Promise<boolean> {
    if (!(await this.vacancy.makeFree(row, call))) return false
    if (!this.#line || this.#line.isOurTurn(row)) return true
    // Only crashed ones stand before us: once more without them.
    return this.#line.sweep(row, call)
  }

  /** A look at the row: free, lapsed, or its owner is gone; and our turn. */
  async #worthATry(call: CallOptions): Promise<boolean> {
    const row = await this.vacancy.read(call)
    const free = await this.vacancy.makeFree(row, call)
    if (!this.#line) return free
    await this.#line.keep(row, call)
    // What is seen here is taken at the next look.
    if (await this.#line.sweep(row, call)) return false
    return free && this.#line.isOurTurn(row)
  }

  #notAcquired(state: MutexState): NotAcquired {
    const { owner, label, remainingMs } = state
    const who = label === undefined ? owner : `${label} (${owner})`
    const until =
      remainingMs === undefined ? 'until it is released' : `for another ${Math.ceil(remainingMs)} ms`
    return new NotAcquired(`${nameOf(this.#key)} is held by ${who} ${until}`, this.#key, state)
  }
}
