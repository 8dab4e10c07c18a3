import { DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import { createTable } from '../../../src/dynamo/index.ts'
import type { AtomicDbInterface, ReadOptions } from '../../../src/interface.ts'
import { AtomicLRUCache } from '../../../src/lru/index.ts'
import type { Runtime } from '../../../src/runtime.ts'
import { type ProxyExchange, type ProxyRequest, TestClock } from '../../../src/testing/proxy/index.ts'
import { Random } from '../../../src/testing/random.ts'
import type { History } from '../../checkers/history.ts'
import { HistoryRecorder } from '../../checkers/operations.ts'
import { type Finding, judge } from '../judge.ts'
import { localClient } from '../local/run.ts'
import type { TraceLine } from '../trace.ts'
import { libraryVersion } from '../version.ts'
import type { Actor, Workload } from '../workloads/actor.ts'
import { cachedWorkload } from '../workloads/cached.ts'
import { everyWorkload } from '../workloads/index.ts'
import { type Connection, connect } from './connection.ts'
import { chooseClient, choosePlan, type WirePlan, type WireTransport } from './plan.ts'
import { type CallStats, watched } from './watched.ts'
import { WriteLog } from './write-log.ts'

export interface WireRun {
  seed: number
  plan: WirePlan
  operations: number
  seconds: number
  requests: number
  /** Of every fault, and of every way in which a connection failed. */
  faults: Record<string, number>
  calls: CallStats
  /** Unconditional writes that arrived late. */
  lateWrites: number
  findings: Finding[]
  /** Histories given to a checker. */
  histories: number
  history: History
  trace: TraceLine[]
}

export interface WireOptions {
  endpoint: string
  seed: number
  operations: number
  /** @default 'sdk' */
  transport?: WireTransport
  /** Decided by hand instead of by the seed. */
  force?: Partial<WirePlan>
  workloads?: () => Workload[]
  /** Where nothing begins or ends for longer, it has got stuck. A loaded machine is slow, and goes on. @default 120 */
  maxSeconds?: number
  /** Told how many operations were begun. */
  progress?: (operations: number) => void
  signal?: AbortSignal
  /** Keep a line for each request that met a fault. */
  trace?: boolean
}

/** The workload to which the rows of a partition belong, where a rival can write them too. */
const owners: Record<string, string> = {
  item: 'items',
  counter: 'counters',
  bank: 'transactions',
  doctor: 'transactions',
  list: 'lists',
  range: 'ranges',
  orders: 'orders',
  rows: 'rows',
}

/** Reads past the cache by default, as what is checked by these histories asks for. */
function strong(cache: AtomicDbInterface): AtomicDbInterface {
  const ask = (options?: ReadOptions) => ({ consistent: true, ...options })
  return new Proxy(cache, {
    get(target, name) {
      if (name === 'get') return (key: never, options?: ReadOptions) => target.get(key, ask(options))
      if (name === 'getMany')
        return (keys: never, options?: ReadOptions) => target.getMany(keys, ask(options))
      const member = Reflect.get(target, name, target) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** One run: a table, clients through proxies of their own, all workloads, and the judgement. */
export async function runWire(options: WireOptions): Promise<WireRun> {
  const run = new Run(options)
  return run.whole()
}

class Run {
  readonly #options: WireOptions
  readonly #random: Random
  readonly #plan: WirePlan
  readonly #clock: TestClock
  readonly #log = new WriteLog()
  readonly #history: HistoryRecorder
  readonly #findings: Finding[] = []
  readonly #trace: TraceLine[] = []
  readonly #calls: CallStats = new Map()
  readonly #connections: Connection[] = []
  readonly #work: Workload[]
  readonly #table: string
  #over = false

  constructor(options: WireOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#plan = { ...choosePlan(this.#random, options.transport), ...options.force }
    const chance = this.#random.fork()
    this.#clock = new TestClock({ speed: this.#plan.speed, random: chance.next })
    this.#history = new HistoryRecorder(() => this.#clock.monotonic())
    this.#work = (options.workloads ?? everyWorkload)()
    if (this.#plan.mode === 'lru') this.#work.push(cachedWorkload())
    this.#table = `wire-${options.seed}-${Math.floor(Math.random() * 1e9)}`
  }

  get #begun(): number {
    return this.#history.events.length / 2
  }

  async whole(): Promise<WireRun> {
    const { endpoint, seed, operations } = this.#options
    const admin = localClient(endpoint)
    await createTable(admin, this.#table, { ttl: false })
    const started = performance.now()
    try {
      const actors = await this.#actors()
      await this.#bounded(Promise.all(actors.map((actor) => this.#live(actor, operations))))
      this.#over = true
      await Promise.all(this.#connections.map(({ proxy }) => proxy.settle()))
      await this.#finish()
    } finally {
      this.#over = true
      for (const { client, proxy } of this.#connections) {
        client.destroy()
        await proxy.stop()
      }
      await admin.send(new DeleteTableCommand({ TableName: this.#table })).catch(() => {})
      admin.destroy()
    }
    const seconds = (performance.now() - started) / 1000
    const history = this.#history.history({ library: libraryVersion(), seed })
    const { findings, histories } = judge(history.events)
    this.#findings.push(...findings)
    const sum = (of: (one: Connection) => number) => this.#connections.reduce((all, one) => all + of(one), 0)
    return {
      seed,
      plan: this.#plan,
      operations: Math.floor(this.#begun),
      seconds,
      requests: sum((one) => one.requests()),
      faults: this.#faults(),
      calls: this.#calls,
      lateWrites: sum((one) => one.lateWrites),
      findings: this.#findings,
      histories,
      history,
      trace: this.#trace,
    }
  }

  #faults(): Record<string, number> {
    const all: Record<string, number> = {}
    for (const { proxy } of this.#connections)
      for (const [fault, count] of Object.entries({ ...proxy.counts, ...proxy.sockets }))
        all[fault] = (all[fault] ?? 0) + count
    return all
  }

  #found(finding: Finding): void {
    this.#findings.push({ at: this.#clock.monotonic(), ...finding })
  }

  /** Runs to its end, or says that it got stuck. */
  async #bounded(work: Promise<unknown>): Promise<void> {
    const { maxSeconds = 120 } = this.#options
    let timer: NodeJS.Timeout | undefined
    let seen = -1
    const stuck = new Promise<void>((resolve) => {
      const look = () => {
        const { length } = this.#history.events
        if (length !== seen) {
          seen = length
          timer = setTimeout(look, maxSeconds * 1000)
          return
        }
        this.#found({ kind: 'stuck', message: `nothing has ended for ${maxSeconds} s` })
        this.#over = true
        resolve()
      }
      look()
    })
    await Promise.race([work, stuck])
    clearTimeout(timer)
  }

  #connect(name: string, healthy: boolean, between?: (request: ProxyRequest) => Promise<void>) {
    const { endpoint } = this.#options
    return connect({
      endpoint,
      transport: this.#options.transport,
      table: this.#table,
      name,
      clock: this.#clock,
      log: this.#log,
      plan: healthy ? { ...this.#plan, rates: {}, retry: undefined } : this.#plan,
      client: healthy ? { maxAttempts: 1, signing: 'clock', offsetMs: 0 } : chooseClient(this.#random),
      seed: this.#random.int(2 ** 31),
      ...(between ? { between } : {}),
      ...(this.#options.trace ? { seen: (exchange) => this.#note(name, exchange) } : {}),
    })
  }

  #note(name: string, { request, fault, applied, answered, late }: ProxyExchange): void {
    if (!fault && answered && request.token === undefined) return
    const keys = request.rows.map(({ pk, sk }) => `${pk}/${sk}`).join(' ')
    const what = `${fault ?? 'done'}${applied ? ', applied' : ''}${late ? ', late' : ''}${answered ? '' : ', no reply'}`
    this.#trace.push({
      at: this.#clock.monotonic(),
      text: `${name} ${request.action} ${keys}${request.token ? ` ${request.token}` : ''}: ${what}`,
    })
  }

  async #actors(): Promise<Actor[]> {
    const plan = this.#plan
    const actors: Actor[] = []
    const shared = plan.mode === 'lru' ? 3 : 1
    for (let i = 0; actors.length < plan.clients; i++) {
      const rival = plan.mode === 'rivals' ? await this.#rival(`r${i}`) : undefined
      const connection = await this.#connect(`c${i}`, false, rival)
      this.#connections.push(connection)
      const { maxItems, maxAgeMs } = plan.cache
      const cache =
        plan.mode === 'lru' ? new AtomicLRUCache(connection.db, { maxItems, maxAgeMs }) : undefined
      for (let part = 0; part < shared; part++) {
        const base = cache ? strong(cache) : connection.db
        const actor = this.#actor(shared > 1 ? `c${i}.${part}` : `c${i}`, base, connection)
        actor.db = watched(base, {
          connection,
          plan,
          log: this.#log,
          stats: this.#calls,
          random: this.#random.fork(),
          found: (finding) => this.#found(finding),
        })
        if (cache) actor.cache = cache
        actors.push(actor)
      }
    }
    return actors
  }

  #actor(name: string, db: AtomicDbInterface, connection?: Connection): Actor {
    return {
      name,
      db,
      random: this.#random.fork(),
      history: this.#history,
      doubts: () => connection?.proxy.doubts ?? 0,
      trueNow: () => this.#clock.now(),
      // A request is refused once its signature is five minutes old.
      lateMs: 6 * 60_000,
      skewMs: () => 1000,
      hurried: this.#plan.speed < 10,
      isDead: () => false,
      anomaly: (kind, message) => this.#found({ kind, message }),
    }
  }

  /** Somebody without faults who writes what a request is about, before it is passed on. */
  async #rival(name: string): Promise<(request: ProxyRequest) => Promise<void>> {
    const connection = await this.#connect(name, true)
    this.#connections.push(connection)
    const actor = this.#actor(name, connection.db)
    let busy = false
    return async ({ rows }) => {
      const owner = owners[rows[0]?.pk ?? '']
      const workload = this.#work.find((one) => one.name === owner)
      if (!workload || busy || this.#over) return
      busy = true
      try {
        await workload.step(actor)
      } finally {
        busy = false
      }
    }
  }

  async #live(actor: Actor, operations: number): Promise<void> {
    try {
      while (this.#begun < operations && !this.#over && !this.#options.signal?.aborted) {
        await actor.random.pick(this.#work).step(actor)
        this.#options.progress?.(this.#begun)
      }
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#found({ kind: 'unexpected', message: `${actor.name}: ${message}` })
    }
  }

  /** By one that has no faults, and does not wait for real. */
  async #finish(): Promise<void> {
    const connection = await this.#connect('observer', true)
    this.#connections.push(connection)
    const patient: Runtime = {
      ...systemLike(this.#clock),
      sleep: async (ms) => this.#clock.advance(ms),
    }
    const db = new Proxy(connection.db, {
      get(target, name) {
        if (name === 'runtime') return patient
        const member = Reflect.get(target, name, target) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const observer = this.#actor('observer', db)
    for (const workload of this.#work) await workload.finish?.(observer)
  }
}

const systemLike = (clock: TestClock): Omit<Runtime, 'sleep'> => ({
  now: () => clock.now(),
  monotonic: () => clock.monotonic(),
  random: () => clock.random(),
})
