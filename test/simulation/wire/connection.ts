import { AsyncLocalStorage } from 'node:async_hooks'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB } from '../../../src/dynamo/index.ts'
import type { AtomicDbItemKey } from '../../../src/interface.ts'
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
import type { ClientPlan, WirePlan } from './plan.ts'
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
  client: DynamoDBClient
  db: AtomicDynamoDB
  /** Requests so far, those for which no connection could be made included. */
  requests(): number
  /** Does a call, and knows its requests from those of others on this connection. */
  traced<T>(trace: CallTrace, call: () => Promise<T>): Promise<T>
  /** Unconditional writes that arrived late: what the contract does not promise to be safe. */
  lateWrites: number
}

export interface ConnectionOptions {
  endpoint: string
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
  const client = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpAgent: proxy.agent },
    ...(own.maxAttempts ? { maxAttempts: own.maxAttempts } : {}),
  })
  if (own.signing !== 'system') signBy(client, clock, own.signing === 'skewed' ? 3 * 3_600_000 : 0)
  calls.follow(client)
  const runtime: Runtime = {
    now: () => clock.now() + own.offsetMs,
    monotonic: () => clock.monotonic(),
    sleep: (ms, given) => clock.sleep(ms, given),
    random: () => clock.random(),
  }
  const connection: Connection = {
    name,
    proxy,
    client,
    db: new AtomicDynamoDB(client, table, { runtime, ...(plan.retry ? { retry: plan.retry } : {}) }),
    requests: () => requests + proxy.counts.connect,
    traced: (trace, call) => calls.traced(trace, call),
    lateWrites: 0,
  }
  return connection
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

  #saw(token: string | undefined): void {
    if (token !== undefined && !this.#tokens.has(token)) this.#tokens.set(token, this.#clock.now())
  }

  tokenSince(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.#tokens.get(token)
  }
}
