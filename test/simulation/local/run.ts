import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB, createTable } from '../../../src/dynamo/index.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { injectFaults, type SdkFault, sdkFaults } from '../../../src/testing/faults/index.ts'
import { Random } from '../../../src/testing/random.ts'
import type { History } from '../../checkers/history.ts'
import { HistoryRecorder } from '../../checkers/operations.ts'
import { type Finding, judge } from '../judge.ts'
import { libraryVersion } from '../version.ts'
import type { Actor, Workload } from '../workloads/actor.ts'
import { allWorkloads } from '../workloads/index.ts'

export interface LocalRun {
  seed: number
  operations: number
  seconds: number
  faults: Record<SdkFault, number>
  findings: Finding[]
  histories: number
  history: History
}

export interface LocalOptions {
  endpoint: string
  seed: number
  operations: number
  /** Each with an SDK client, a database object and faults of its own. */
  clients?: number
  workloads?: () => Workload[]
  /** Told how many operations were begun, now and then. */
  progress?: (operations: number) => void
  signal?: AbortSignal
}

const rates: Record<SdkFault, number> = {
  dropReply: 0.01,
  reset: 0.01,
  delay: 0.02,
  duplicate: 0.02,
  throttle: 0.003,
  serverError: 0.005,
  conflict: 0.01,
  partialBatch: 0.1,
  staleRead: 0.2,
  freeze: 0.002,
  clockStep: 0.002,
}

export const localClient = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 16 } },
  })

/** The same workloads and checkers as in the simulation, on DynamoDB Local with faults in the SDK's client. */
export async function runLocal(options: LocalOptions): Promise<LocalRun> {
  const { endpoint, seed, operations, clients = 32, workloads = allWorkloads } = options
  const random = new Random(seed)
  const admin = localClient(endpoint)
  const table = `proof-${seed}-${Math.floor(Math.random() * 1e9)}`
  await createTable(admin, table, { ttl: false })
  const history = new HistoryRecorder(() => performance.now())
  const findings: Finding[] = []
  const counts = Object.fromEntries(sdkFaults.map((fault) => [fault, 0])) as Record<SdkFault, number>
  const anomaly = (kind: string, message: string) => findings.push({ kind, message, at: performance.now() })
  const work = workloads()
  const begun = () => history.events.length / 2
  const started = performance.now()

  const live = async (index: number) => {
    const client = localClient(endpoint)
    const faults = injectFaults(client, {
      seed: random.int(2 ** 31),
      rates,
      log: () => {},
      maxClockStepMs: 500,
    })
    const actor: Actor = {
      name: `c${index}`,
      db: new AtomicDynamoDB(client, table, { runtime: faults.runtime }),
      random: random.fork(),
      history,
      doubts: () => faults.doubts,
      trueNow: () => Date.now(),
      lateMs: 10_000,
      skewMs: () => 1000,
      hurried: true,
      isDead: () => false,
      anomaly,
    }
    try {
      while (begun() < operations && !options.signal?.aborted) {
        await actor.random.pick(work).step(actor)
        options.progress?.(begun())
      }
    } catch (error) {
      anomaly('unexpected', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    for (const fault of sdkFaults) counts[fault] += faults.counts[fault]
    client.destroy()
  }
  await Promise.all(Array.from({ length: clients }, (_, index) => live(index)))
  const seconds = (performance.now() - started) / 1000
  const observer: Actor = {
    name: 'observer',
    db: new AtomicDynamoDB(admin, table, { runtime: systemRuntime }),
    random: random.fork(),
    history,
    doubts: () => 0,
    trueNow: () => Date.now(),
    lateMs: 10_000,
    skewMs: () => 1000,
    hurried: true,
    isDead: () => false,
    anomaly,
  }
  for (const workload of work) await workload.finish?.(observer)
  admin.destroy()
  const recorded = history.history({ library: libraryVersion(), seed })
  const judged = judge(recorded.events)
  findings.push(...judged.findings)
  return {
    seed,
    operations: Math.floor(begun()),
    seconds,
    faults: counts,
    findings,
    histories: judged.histories,
    history: recorded,
  }
}
