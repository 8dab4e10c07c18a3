import {
  type AtomicDbInterface,
  type AtomicDbItemKey,
  BackendError,
  OutcomeUnknown,
  PartialWrite,
  Throttled,
} from 'lockrow'
import { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from 'lockrow/backend'
import type { Random, SimulatedRuntime, Simulation } from 'lockrow/testing'
import { effectOf } from '../../../src/model/effects.ts'
import { asList } from '../../../src/model/rows.ts'
import type { Versions } from './versions.ts'

export interface Network {
  /** Upper bounds of how long a request and a reply travel, ms: each takes a time of its own, so they overtake. */
  requestMs: number
  replyMs: number
  /** How late a request may still arrive whose caller has given up, ms. */
  lateMs: number
  /** How old an eventual read may be, ms. */
  lagMs: number
  /** Probability of each fault per call. */
  faults: number
}

type Wrote = (key: AtomicDbItemKey, version: number) => void

/** The network between one process and the database: requests and replies are delayed, reordered and lost. */
export class Wire extends ForwardingDb {
  readonly counts: Record<string, number> = {}
  readonly #world: Simulation
  readonly #process: SimulatedRuntime
  readonly #versions: Versions
  readonly #random: Random
  readonly #network: Network
  readonly #wrote: Wrote

  constructor(
    world: Simulation,
    process: SimulatedRuntime,
    versions: Versions,
    network: Network,
    wrote: Wrote,
  ) {
    super(versions.open(process))
    this.#world = world
    this.#process = process
    this.#versions = versions
    this.#random = world.random.fork()
    this.#network = network
    this.#wrote = wrote
  }

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    if (method === 'stream') return super.forward(method, args)
    const call = () => super.forward(method, args) as Promise<unknown>
    const signal = signalIn(args)
    const answer = effectOf(method, args)
      ? this.#write(method, args, call)
      : this.#read(this.#eventual(method, args) ?? call)
    return (signal ? abortable(answer, signal, () => this.#count('aborted')) : answer) as AnswerOf<M>
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #happens(fault: string): boolean {
    if (!this.#random.chance(this.#network.faults)) return false
    this.#count(fault)
    return true
  }

  #wait(upTo: number, owner?: SimulatedRuntime): Promise<void> {
    return new Promise((resolve) => this.#world.schedule(this.#random.between(0, upTo), resolve, owner))
  }

  #apply<T>(call: () => Promise<T>): Promise<T> {
    return this.#versions.apply(call, this.#wrote)
  }

  async #read(call: () => Promise<unknown>): Promise<unknown> {
    await this.#wait(this.#network.requestMs)
    if (this.#happens('read failed')) throw new BackendError('the backend did not answer (wire)')
    const result = await this.#apply(call)
    await this.#wait(this.#network.replyMs, this.#process)
    return result
  }

  /** What a replica answers that lags. */
  #eventual(method: ContractMethod, args: unknown[]): (() => Promise<unknown>) | undefined {
    if ((args[1] as { consistent?: boolean } | undefined)?.consistent !== false) return undefined
    const old = (key: AtomicDbItemKey) => {
      const ms = this.#world.time - this.#random.between(0, this.#network.lagMs)
      return this.#versions.at(key, ms, this.#process.now())
    }
    if (method === 'get') return async () => old(args[0] as AtomicDbItemKey)
    if (method === 'getMany') return async () => (args[0] as AtomicDbItemKey[]).map(old)
    return undefined
  }

  /** A request that has left arrives, whatever becomes of its caller. */
  async #write(method: ContractMethod, args: unknown[], call: () => Promise<unknown>): Promise<unknown> {
    if (this.#happens('throttled')) {
      await this.#wait(this.#network.requestMs)
      throw new Throttled('the backend kept refusing (wire)')
    }
    const keys = asList(args[0] as AtomicDbItemKey)
    if ((method === 'set' || method === 'delete') && keys.length > 1 && this.#happens('partial write'))
      return this.#part(method, keys)
    if (this.#happens('late')) {
      this.#late(call)
      await this.#wait(this.#network.replyMs, this.#process)
      throw new OutcomeUnknown('no reply (wire)')
    }
    await this.#wait(this.#network.requestMs)
    const result = await this.#apply(call)
    await this.#wait(this.#network.replyMs, this.#process)
    if (this.#happens('reply lost')) throw new OutcomeUnknown('no reply (wire)')
    return result
  }

  #late(call: () => Promise<unknown>): void {
    const arrive = () => this.#apply(call).catch(() => {})
    this.#world.schedule(this.#random.between(0, this.#network.lateMs), arrive)
  }

  async #part(method: 'set' | 'delete', rows: readonly AtomicDbItemKey[]): Promise<never> {
    const write = (some: readonly AtomicDbItemKey[]) => (this.db[method] as AtomicDbInterface['delete'])(some)
    const shuffled = this.#random.sample(rows, rows.length)
    const done = this.#random.int(rows.length)
    await this.#wait(this.#network.requestMs)
    await this.#apply(() => write(shuffled.slice(0, done)))
    const rest = shuffled.slice(done)
    if (this.#random.chance(0.5)) this.#late(() => write(rest))
    await this.#wait(this.#network.replyMs, this.#process)
    throw new PartialWrite('not all rows were written (wire)', { keys: rest })
  }
}

function signalIn(args: unknown[]): AbortSignal | undefined {
  for (const arg of args) {
    const signal = (arg as { signal?: AbortSignal } | undefined)?.signal
    if (signal) return signal
  }
  return undefined
}

/** Stops waiting when the signal says so. */
function abortable<T>(answer: Promise<T>, signal: AbortSignal, aborted: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      aborted()
      reject(signal.reason)
    }
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
