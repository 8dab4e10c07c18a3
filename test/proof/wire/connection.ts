import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB } from '../../../src/dynamo/index.ts'
import type { AtomicDbItemKey } from '../../../src/interface.ts'
import type { Runtime } from '../../../src/runtime.ts'
import {
  type FaultProxy,
  type FaultProxyOptions,
  type ProxyExchange,
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
}

/** One process: a real client on a real socket, through a proxy of its own. */
export interface Connection {
  name: string
  proxy: FaultProxy
  client: DynamoDBClient
  db: AtomicDynamoDB
  /** Requests so far, those for which no connection could be made included. */
  requests(): number
  lostReplies: LostReply[]
  /** Writes without reply that were not done then. */
  lostRequests: number
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
  const proxy = await startFaultProxy({
    target: endpoint,
    seed,
    rates: plan.rates,
    hold: plan.hold,
    ...(plan.focus ? { only: ({ action }) => action.startsWith('Transact') } : {}),
    clock,
    between,
    onExchange(exchange) {
      const { request, applied, answered, late } = exchange
      if (!late) requests++
      if (request.isWrite) note(connection, log, exchange)
      if (applied && late && request.isRepeatable && request.token === undefined) connection.lateWrites++
      if (request.isWrite && !applied && !answered && !late) connection.lostRequests++
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
    lostReplies: [],
    lostRequests: 0,
    lateWrites: 0,
  }
  return connection
}

function note(connection: Connection, log: WriteLog, exchange: ProxyExchange): void {
  const { request, applied, answered, late } = exchange
  if (!applied) return
  const moment = log.wrote(late ? `${connection.name} late` : connection.name, request.rows)
  if (!answered && !late) connection.lostReplies.push({ rows: request.rows, moment })
}
