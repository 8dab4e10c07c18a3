import { inspect, isDeepStrictEqual } from 'node:util'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import type { AtomicDbError, AtomicDbInterface, RetryOptions } from 'lockrow'
import { AtomicEngine, type Row, type Runtime, type Storage, systemRuntime } from 'lockrow/backend'
import { type DirectClient, AtomicDynamoDB as DirectDynamoDB } from 'lockrow/direct'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { TestRuntime } from 'lockrow/testing'
import { expect } from 'vitest'
import { sdkTransport } from '../../src/dynamo/sdk-transport.ts'
import { DynamoStorage } from '../../src/dynamo/storage.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'

/** Runs the same steps on the twin and on another store, mostly DynamoDB Local, on one clock, and compares every result and every error. */

export const seed =
  process.env.EQUIVALENCE_SEED === undefined ? undefined : Number(process.env.EQUIVALENCE_SEED)

/** What one step does with a database in a partition. Rows are few, so that the steps meet. */
export interface Step {
  title: string
  of?: unknown
  run(db: AtomicDbInterface, pk: string, memory: Memory): Promise<unknown>
}
export interface Memory {
  /** Writes a row as another program might, past the engine. */
  foreign(row: Row): Promise<void>
  locks: Map<string, Awaited<ReturnType<AtomicDbInterface['getLock']>>>
  messages: NonNullable<Awaited<ReturnType<AtomicDbInterface['queuePull']>>['item']>[]
}

/** A result or an error as something to compare: what differs by nature (ULIDs, receipts) is left out. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { result: await run() }
  } catch (caught) {
    const error = caught as AtomicDbError & {
      field?: string
      conflicts?: { index: number; reason: string; current?: { data?: unknown; version?: string } }[]
    }
    if (error.code === undefined) throw caught
    const conflicts = error.conflicts?.map(({ index, reason, current }) => ({
      index,
      reason,
      current: current?.version === undefined ? current : 'lock',
    }))
    return {
      code: error.code,
      field: error.field,
      conflicts,
      keys: error.keys.map((key) => key.sk.slice(0, 6)),
    }
  }
}

/** One wall clock for both that stands still between the steps. */
class StillRuntime extends TestRuntime {
  at = systemRuntime.now()
  override now = () => this.at
}

/** Generated times lie around the start of the clock. */
export const clock = { start: 0 }
/** How often each outcome of each step was met. */
export const met = new Map<string, number>()
let partition = 0

/** The steps on a few lines, however large or deep their values are. */
const shownSteps = (failed: Step, steps: readonly { step: Step; wait: number }[]): string =>
  `${failed.title}: twin and store differ; steps: ${inspect(
    steps.map(({ step: { title, of }, wait }) => ({ title, of, wait })),
    { depth: 6, maxStringLength: 60, maxArrayLength: 20, breakLength: 160 },
  )}`

/** What the twin is compared with. */
export interface Peer {
  db: AtomicDbInterface
  storage: Pick<Storage, 'write'>
}

/** DynamoDB Local. */
export interface World {
  client: DynamoDBClient
  /** In place of the SDK's client, for all but rows of other programs. */
  direct?: DirectClient
  table: string
  retry?: RetryOptions
}

/** The clock of a storage, on which nothing was expired for long. */
const unswept = (runtime: Runtime): Runtime => ({
  now: () => 0,
  monotonic: () => runtime.monotonic(),
  sleep: (ms, options) => runtime.sleep(ms, options),
  random: () => runtime.random(),
})

function dynamoOf({ client, direct, table, retry }: World, runtime: Runtime): Peer {
  const db = direct
    ? new DirectDynamoDB(direct, table, { runtime, retry })
    : new AtomicDynamoDB(client, table, { runtime, retry })
  return { db, storage: new DynamoStorage(sdkTransport(client), table) }
}

export async function agree(
  histories: fc.Arbitrary<{ step: Step; wait: number }[]>,
  numRuns: number,
  peer: World | ((runtime: Runtime) => Peer),
): Promise<void> {
  const runtime = new StillRuntime()
  clock.start = Math.floor(runtime.at / 1000)
  // DynamoDB Local keeps expired rows, which count towards the limit of a deleteRange: the twin keeps them here too.
  const rows = new MemoryStorage(unswept(runtime))
  const memory = new AtomicEngine(rows, { runtime })
  const { db, storage } = typeof peer === 'function' ? peer(runtime) : dynamoOf(peer, runtime)
  const kept = (storage: Pick<Storage, 'write'>): Memory => ({
    locks: new Map(),
    messages: [],
    foreign: async (row) => void (await storage.write([{ put: row }], {})),
  })
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const pk = `equivalence-${partition++}`
      const [ofMemory, ofPeer] = [kept(rows), kept(storage)]
      runtime.at = clock.start * 1000
      for (const { step: one, wait } of steps) {
        runtime.at += wait * 1000
        const expected = await outcome(() => one.run(db, pk, ofPeer))
        const kind = `${one.title} ${(expected as { code?: string }).code ?? ((expected as { result?: { applied?: boolean } }).result?.applied === false ? 'not applied' : 'ok')}`
        met.set(kind, (met.get(kind) ?? 0) + 1)
        const actual = await outcome(() => one.run(memory, pk, ofMemory))
        if (!isDeepStrictEqual(actual, expected)) expect(actual, shownSteps(one, steps)).toEqual(expected)
      }
    }),
    { numRuns, ...(seed === undefined ? {} : { seed }), endOnFailure: process.env.CI === 'true' },
  )
}
