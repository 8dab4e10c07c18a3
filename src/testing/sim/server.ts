import type { AtomicDbItemKey } from '../../interface.ts'
import { MemoryStorage } from '../../memory/storage.ts'
import { optionsCheck } from '../../model/options-check.ts'
import {
  type RequestOptions,
  type RowOperation,
  type RowWrite,
  type Storage,
  StorageFault,
} from '../../storage.ts'
import type { Random } from '../random.ts'
import { type SimulatedFault, type SimulatedFaultRates, zeroCounts } from './faults.ts'
import { Replica } from './replica.ts'
import { SimulatedRuntime, type Simulation } from './simulation.ts'

/** Options of `SimulatedServer`. */
export interface SimulatedServerOptions {
  rates?: SimulatedFaultRates
  /** Usual time of a request in one direction, ms. Default 1 to 5. */
  latencyMs?: readonly [number, number]
  /** By how much eventually consistent reads can lag, ms. Default 0 to 1000. */
  lagMs?: readonly [number, number]
  /** How long after its sender gave up a late request arrives, ms. Default 0 to 3000. */
  lateMs?: readonly [number, number]
  /** Told of every request that meets a fault, when it is sent. */
  onFault?: (event: SimulatedFaultEvent) => void
}

const checkServerOptions = /* @__PURE__ */ optionsCheck<SimulatedServerOptions>(() => [
  {
    rates: true,
    latencyMs: true,
    lagMs: true,
    lateMs: true,
    onFault: true,
  },
])

/** A fault that the simulated server met. */
export interface SimulatedFaultEvent {
  /** Simulated ms. */
  at: number
  process: SimulatedRuntime
  fault: SimulatedFault
  request: 'read' | 'write' | 'apply' | 'transact'
  keys: readonly AtomicDbItemKey[]
}

/** A connection of one process, which counts what was left in doubt. */
export interface SimulatedConnection extends Storage {
  /** How many requests of this connection may have been applied unknown to the caller, or more than once. */
  readonly doubts: number
}

type Kind = SimulatedFaultEvent['request']

const always: readonly SimulatedFault[] = ['throttled', 'unreachable', 'lostRequest', 'slow']
const possible: Record<Kind, readonly SimulatedFault[]> = {
  read: [...always, 'lostReply', 'tornRead'],
  write: [...always, 'lostReply', 'lateRequest', 'duplicate'],
  apply: [...always, 'conflict', 'lostReply', 'lateRequest'],
  transact: [...always, 'conflict', 'lostReply', 'lateRequest', 'duplicate'],
}

/**
 * Storage behind a simulated network, for any number of simulated processes: every request takes time in both
 * directions and may meet a fault. What has arrived takes effect whole and at one moment, as in DynamoDB; batches
 * and pages of several rows do so row by row.
 */
export class SimulatedServer {
  /** How often each fault was met. */
  readonly counts = zeroCounts()
  /** Without faults and without delay, for looking at the end state. */
  readonly storage: MemoryStorage
  rates: SimulatedFaultRates
  readonly #world: Simulation
  readonly #random: Random
  readonly #replica: Replica
  readonly #latency: readonly [number, number]
  readonly #late: readonly [number, number]
  readonly #onFault: SimulatedServerOptions['onFault']

  constructor(world: Simulation, options: SimulatedServerOptions = {}) {
    checkServerOptions(options)
    this.#world = world
    this.#random = world.random.fork()
    const clock = new SimulatedRuntime(world)
    this.storage = new MemoryStorage(clock)
    const [least, most] = options.lagMs ?? [0, 1000]
    this.#replica = new Replica(new MemoryStorage(clock), () => this.#random.between(least, most))
    this.#latency = options.latencyMs ?? [1, 5]
    this.#late = options.lateMs ?? [0, 3000]
    this.rates = options.rates ?? {}
    this.#onFault = options.onFault
  }

  /** What a process gives its engine: `new AtomicEngine(server.connect(process), { runtime: process })`. */
  connect(process: SimulatedRuntime): SimulatedConnection {
    let doubts = 0
    const doubt = () => {
      doubts++
    }
    const send = async <T>(
      kind: Kind,
      keys: readonly AtomicDbItemKey[],
      options: RequestOptions,
      apply: () => Promise<T>,
    ): Promise<T> => {
      options.beforeSending?.()
      return this.#send(process, kind, keys, apply, doubt)
    }
    return {
      get doubts() {
        return doubts
      },
      read: (keys, options) => {
        const { consistent = true } = options
        return keys.length === 1
          ? send('read', [], options, () => this.#source(consistent, keys[0]!.pk).read(keys))
          : this.#torn(process, keys, consistent)
      },
      readTogether: (keys, options) => send('read', [], options, () => this.storage.readTogether(keys)),
      page: async (range, options) => {
        const { consistent = true } = options
        const whole = () => this.#source(consistent, range.pk)
        if (!this.#happens('tornRead')) return send('read', [], options, () => whole().page(range))
        const most = range.limit ?? 1000
        const first = await send('read', [], options, () =>
          whole().page({ ...range, limit: Math.ceil(most / 2) }),
        )
        if (first.next === undefined || most < 2) return first
        const rest = { ...range, after: first.next, limit: most - first.rows.length }
        const second = await send('read', [], options, () => whole().page(rest))
        return { ...second, rows: [...first.rows, ...second.rows] }
      },
      // Of an eventual one each partition would lag by itself: what is old is shown by `page` and `read`.
      scan: (scan, options) => send('read', [], options, () => this.storage.scan(scan)),
      write: async (writes, options) => {
        options.beforeSending?.()
        return this.#write(process, writes, doubt)
      },
      apply: (operation, options) =>
        send('apply', [keyOf(operation)], options, () => this.storage.apply(operation)),
      transact: (operations, token, options) =>
        send('transact', operations.map(keyOf), options, () => this.storage.transact(operations, token)),
    }
  }

  #happens(fault: SimulatedFault): boolean {
    const rate = this.rates[fault]
    if (!rate || !this.#random.chance(rate)) return false
    this.counts[fault]++
    return true
  }

  /** At most one fault of those that can happen to such a request. */
  #choose(kind: Kind): SimulatedFault | undefined {
    for (const fault of possible[kind]) {
      if (fault !== 'tornRead' && this.#happens(fault)) return fault
    }
    return undefined
  }

  #source(consistent: boolean, pk: string): MemoryStorage {
    if (consistent || !this.#happens('staleRead')) return this.storage
    return this.#replica.at(pk, this.#world.time)
  }

  #hop(): number {
    return this.#random.between(this.#latency[0], this.#latency[1])
  }

  async #applied<T>(keys: readonly AtomicDbItemKey[], apply: () => Promise<T>): Promise<T> {
    const result = await apply()
    if (this.rates.staleRead && keys.length > 0) {
      const now = this.#world.time
      const rows = await this.storage.read(keys)
      keys.forEach((key, i) => {
        this.#replica.replicate(key, rows[i], now)
      })
    }
    return result
  }

  #send<T>(
    process: SimulatedRuntime,
    kind: Kind,
    keys: readonly AtomicDbItemKey[],
    apply: () => Promise<T>,
    doubt: () => void,
  ): Promise<T> {
    const fault = this.#choose(kind)
    if (fault) this.#onFault?.({ at: this.#world.time, process, fault, request: kind, keys })
    return new Promise((resolve, reject) => {
      const world = this.#world
      const reply = (ms: number, settle: () => void) => world.schedule(ms, settle, process)
      const refuse = (ms: number, how: 'throttled' | 'conflict' | 'unreachable' | 'unknown') =>
        reply(ms, () => reject(new StorageFault(how, `simulated: ${fault}`)))
      const arrive = (ms: number, then?: (result: Promise<T>) => void) =>
        world.schedule(ms, () => {
          const result = this.#applied(keys, apply)
          result.catch(() => {})
          then?.(result)
        })
      const answered = (ms: number) =>
        arrive(ms, (result) =>
          result.then(
            (value) => reply(this.#hop(), () => resolve(value)),
            (error) => reply(this.#hop(), () => reject(error)),
          ),
        )
      const timeout = this.#random.between(20, 2000)
      switch (fault) {
        case 'throttled':
        case 'conflict':
          return refuse(this.#hop() + this.#hop(), fault)
        case 'unreachable':
          return refuse(this.#hop(), 'unreachable')
        case 'lostRequest':
          doubt()
          return refuse(timeout, 'unknown')
        case 'lostReply':
          doubt()
          arrive(this.#hop())
          return refuse(timeout, 'unknown')
        case 'lateRequest':
          doubt()
          arrive(timeout + this.#random.between(...this.#late))
          return refuse(timeout, 'unknown')
        case 'duplicate':
          doubt()
          arrive(this.#hop())
          return answered(this.#hop() + this.#random.between(0, 200))
        case 'slow':
          return answered(this.#random.between(100, 10_000))
        default:
          return answered(this.#hop())
      }
    })
  }

  /** A batch of reads comes back row by row, each as of another moment. */
  async #torn(
    process: SimulatedRuntime,
    keys: readonly AtomicDbItemKey[],
    consistent: boolean,
  ): Promise<Awaited<ReturnType<Storage['read']>>> {
    const read = (some: readonly AtomicDbItemKey[]) =>
      this.#send(
        process,
        'read',
        [],
        () => this.#source(consistent, some[0]!.pk).read(some),
        () => {},
      )
    if (!this.#happens('tornRead')) return read(keys)
    const middle = Math.ceil(keys.length / 2)
    const [first, second] = await Promise.all([read(keys.slice(0, middle)), read(keys.slice(middle))])
    return [...first, ...second]
  }

  /** Of a batch some rows may be left undone; it arrives, and is answered, as one. */
  async #write(
    process: SimulatedRuntime,
    writes: readonly RowWrite[],
    doubt: () => void,
  ): Promise<readonly RowWrite[]> {
    if (writes.length === 1) return this.#send(process, 'write', keysOf(writes), this.#put(writes), doubt)
    const cut = this.#happens('partialWrite') ? this.#random.int(writes.length) : writes.length
    const order = this.#random.sample(writes, writes.length)
    const done = order.slice(0, cut)
    await this.#send(process, 'write', keysOf(done), this.#put(done), doubt)
    return order.slice(cut)
  }

  readonly #put = (writes: readonly RowWrite[]) => () =>
    // The storage keeps what it is given: a write that arrives twice must not share its row.
    this.storage.write(writes.map((one) => ('put' in one ? { put: { ...one.put } } : one)))
}

const keyOf = (operation: RowOperation): AtomicDbItemKey => {
  const { pk, sk } = operation.op === 'put' ? operation.row : operation.key
  return { pk, sk }
}

const keysOf = (writes: readonly RowWrite[]): AtomicDbItemKey[] =>
  writes.map((one) => {
    const { pk, sk } = 'put' in one ? one.put : one.delete
    return { pk, sk }
  })
