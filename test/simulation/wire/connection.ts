import { AsyncLocalStorage } from 'node:async_hooks'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  type DirectClient,
  AtomicDynamoDB as DirectDynamoDB,
  directClient,
} from '../../../src/direct/index.ts'
import { AtomicDynamoDB, type AtomicDynamoDBOptions } from '../../../src/dynamo/index.ts'
import type { AtomicDbInterface, AtomicDbItemKey } from '../../../src/interface.ts'
import type { Runtime } from '../../../src/runtime.ts'
import {
  type FaultProxy,
  type FaultProxyOptions,
  type ProxyExchange,
  type ProxyRequest,
  signBy,
  startFaultProxy,
  type TestClock,
} from '../../../src/testing/proxy/index.ts'
import type { ClientPlan, WirePlan, WireTransport } from './plan.ts'
import type { WriteLog } from './write-log.ts'

/** A write whose reply was lost: its rows, and the moment at which it was done. */
interface LostReply {
  rows: readonly AtomicDbItemKey[]
  moment: number
  /** When its token was sent first, by the run's clock: the caller knows no more. Undefined: it has none. */
  tokenSince: number | undefined
  /** When its caller knew that it was lost: at the next request of the call, or its end. */
  learnedAt: number | undefined
}

/** What became of the requests of one call. */
export class CallTrace {
  /** Requests that left, those for which no connection could be made included. */
  requests = 0
  readonly lostReplies: LostReply[] = []
  /** Writes without reply that were not done then. */
  lostRequests = 0
  /** How long the slowest one took, by the run's clock, ms. */
  slowestMs = 0

  /** Its caller goes on. */
  learned(now: number): void {
    const last = this.lostReplies.at(-1)
    if (last) last.learnedAt ??= now
  }
}

/** One process: a real client on a real socket, through a proxy of its own. */
export interface Connection {
  name: string
  proxy: FaultProxy
  client: { destroy(): void }
  /** Where it is one of the SDK. */
  sdk?: DynamoDBClient
  db: AtomicDbInterface
  /** Requests so far, those for which no connection could be made included. */
  requests(): number
  /** Does a call, and knows its requests from those of others on this connection. */
  traced<T>(trace: CallTrace, call: () => Promise<T>): Promise<T>
  /** Unconditional writes that arrived late: what the contract does not promise to be safe. */
  lateWrites: number
}

export interface ConnectionOptions {
  endpoint: string
  /** @default 'sdk' */
  transport?: WireTransport | undefined
  table: string
  name: string
  clock: TestClock
  log: WriteLog
  plan: Pick<WirePlan, 'rates' | 'retry' | 'hold' | 'focus'>
  client: ClientPlan
  seed: number
  between?: FaultProxyOptions['between']
  seen?: (exchange: ProxyExchange) => void
}

export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { endpoint, table, name, clock, log, plan, client: own, seed, between } = options
  let requests = 0
  const calls = new Calls(clock)
  const proxy = await startFaultProxy({
    target: endpoint,
    seed,
    rates: plan.rates,
    hold: plan.hold,
    ...(plan.focus ? { only: ({ action }) => action.startsWith('Transact') } : {}),
    clock,
    between,
    onExchange(exchange) {
      const { request, applied, late } = exchange
      if (!late) requests++
      if (request.isWrite) note(calls, name, log, exchange)
      if (applied && late && request.isRepeatable && request.token === undefined) connection.lateWrites++
      options.seen?.(exchange)
    },
  })
  const opened =
    options.transport === 'direct' ? openDirect(options, proxy, calls) : openSdk(options, proxy, calls)
  const runtime: Runtime = {
    now: () => clock.now() + own.offsetMs,
    monotonic: () => clock.monotonic(),
    sleep: (ms, given) => clock.sleep(ms, given),
    random: () => clock.random(),
  }
  const connection: Connection = {
    name,
    proxy,
    client: opened.client,
    ...('sdk' in opened ? { sdk: opened.sdk } : {}),
    db: opened.database(table, { runtime, ...(plan.retry ? { retry: plan.retry } : {}) }),
    requests: () => requests + proxy.counts.connect,
    traced: (trace, call) => calls.traced(trace, call),
    lateWrites: 0,
  }
  return connection
}

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const skewMs = 3 * 3_600_000

function openSdk({ client: own, clock }: ConnectionOptions, proxy: FaultProxy, calls: Calls) {
  const sdk = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region: 'local',
    credentials,
    requestHandler: { httpAgent: proxy.agent },
    ...(own.maxAttempts ? { maxAttempts: own.maxAttempts } : {}),
  })
  if (own.signing !== 'system') signBy(sdk, clock, own.signing === 'skewed' ? skewMs : 0)
  calls.follow(sdk)
  const database = (table: string, options: AtomicDynamoDBOptions) => new AtomicDynamoDB(sdk, table, options)
  return { client: sdk, sdk, database }
}

function openDirect({ client: own, clock }: ConnectionOptions, proxy: FaultProxy, calls: Calls) {
  const client = directClient({
    endpoint: proxy.endpoint,
    region: 'local',
    credentials,
    connect: (to) => proxy.agent.open(to),
    headers: () => calls.headers(),
    ...(own.signing === 'system' ? {} : { now: () => clock.now() + (own.signing === 'skewed' ? skewMs : 0) }),
  })
  const followed = calls.followed(client)
  const database = (table: string, options: AtomicDynamoDBOptions) =>
    new DirectDynamoDB(followed, table, options)
  return { client, database }
}

function note(calls: Calls, name: string, log: WriteLog, exchange: ProxyExchange): void {
  const { request, applied, answered, late } = exchange
  const trace = calls.of(request)
  if (trace && !applied && !answered && !late) trace.lostRequests++
  if (!applied) return
  const moment = log.wrote(late ? `${name} late` : name, request.rows)
  if (!trace || answered || late) return
  const tokenSince = calls.tokenSince(request.token)
  trace.lostReplies.push({ rows: request.rows, moment, tokenSince, learnedAt: undefined })
}

const callHeader = 'x-proof-call'

/** Tells which request belongs to which call: what a call has left behind may be at work beside another one. */
class Calls {
  readonly #current = new AsyncLocalStorage<{ id: string; trace: CallTrace }>()
  readonly #traces = new Map<string, CallTrace>()
  readonly #tokens = new Map<string, number>()
  readonly #clock: TestClock
  #count = 0

  constructor(clock: TestClock) {
    this.#clock = clock
  }

  async traced<T>(trace: CallTrace, call: () => Promise<T>): Promise<T> {
    const id = String(++this.#count)
    this.#traces.set(id, trace)
    try {
      return await this.#current.run({ id, trace }, call)
    } finally {
      trace.learned(this.#clock.now())
    }
  }

  of({ headers }: ProxyRequest): CallTrace | undefined {
    return this.#traces.get(String(headers[callHeader]))
  }

  /** Behind the SDK's own repeats, so that none is missed. */
  follow(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        const current = this.#current.getStore()
        if (current) {
          current.trace.requests++
          current.trace.learned(this.#clock.now())
          this.#saw((args.input as { ClientRequestToken?: string }).ClientRequestToken)
          ;(args.request as { headers: Record<string, string> }).headers[callHeader] = current.id
        }
        const sentAt = this.#clock.monotonic()
        return next(args).finally(() => {
          if (!current) return
          current.trace.slowestMs = Math.max(current.trace.slowestMs, this.#clock.monotonic() - sentAt)
        })
      },
      { step: 'finalizeRequest', priority: 'low', name: 'proofCalls' },
    )
  }

  /** Those by which the proxy tells the call of a request. */
  headers(): Record<string, string> {
    const current = this.#current.getStore()
    return current ? { [callHeader]: current.id } : {}
  }

  /** A client of our own, each of whose requests is noted. */
  followed(client: DirectClient): DirectClient {
    return {
      call: async (operation, input, options) => {
        const trace = this.#current.getStore()?.trace
        if (!trace) return client.call(operation, input, options)
        trace.requests++
        trace.learned(this.#clock.now())
        this.#saw((input as { ClientRequestToken?: string }).ClientRequestToken)
        const sentAt = this.#clock.monotonic()
        try {
          return await client.call(operation, input, options)
        } finally {
          trace.slowestMs = Math.max(trace.slowestMs, this.#clock.monotonic() - sentAt)
        }
      },
      destroy: () => client.destroy(),
    }
  }

  #saw(token: string | undefined): void {
    if (token !== undefined && !this.#tokens.has(token)) this.#tokens.set(token, this.#clock.now())
  }

  tokenSince(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.#tokens.get(token)
  }
}
