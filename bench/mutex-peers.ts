import { AtomicDynamoDB, createTable } from '../src/dynamo/index.ts'
import { Mutex } from '../src/index.ts'
import { costOf, type Meter, metered } from './lib/meter.ts'
import { optional, peer, required } from './lib/peers.ts'
import { lib, makeClient } from './lib/sdk.ts'

export interface Contest {
  perSecond: number
  requests: number
  wru: number
  rru: number
  shares: number[]
  /** How often two were inside at once. */
  violations: number
}

export interface Contender {
  name: string
  run(contenders: number, ms: number): Promise<Contest>
}

/** Runs `work` inside the mutex. */
type Locked = (work: () => Promise<void>) => Promise<void>

async function contest(meter: Meter, contenders: number, ms: number, locked: () => Locked): Promise<Contest> {
  const shares = new Array<number>(contenders).fill(0)
  let inside = 0
  let violations = 0
  const start = performance.now()
  const cost = await costOf(meter, () =>
    Promise.all(
      shares.map(async (_, i) => {
        const run = locked()
        while (performance.now() - start < ms) {
          await run(async () => {
            if (++inside > 1) violations++
            await Promise.resolve()
            inside--
            shares[i]!++
          })
        }
      }),
    ),
  )
  const seconds = (performance.now() - start) / 1000
  const done = shares.reduce((sum, share) => sum + share, 0)
  return {
    perSecond: done / seconds,
    requests: cost.requests / done,
    wru: cost.wru / done,
    rru: cost.rru / done,
    shares,
    violations,
  }
}

interface LockClient {
  acquireLock(
    id: object,
    done: (error: Error | undefined, lock: { release(done: (error?: Error) => void): void }) => void,
  ): void
}

export async function contenders(endpoint: string, table: string, notes: string[]): Promise<Contender[]> {
  const list: Contender[] = []
  const client = makeClient(endpoint)
  const meter = metered(client)
  const db = new AtomicDynamoDB(client, table)
  for (const fair of [false, true])
    list.push({
      name: fair ? 'lockrow Mutex, fair' : 'lockrow Mutex',
      run: (n, ms) =>
        contest(meter, n, ms, () => {
          const mutex = new Mutex(db, { pk: 'mutex', sk: `m-${n}-${fair}` }, { ttlMs: 30_000, fair })
          return (work) => mutex.run(work)
        }),
    })

  const verrou = await optional('@verrou/core', notes, async () => {
    const { Verrou } = await peer<{
      Verrou: new (
        options: object,
      ) => {
        createLock(
          key: string,
          ttl: string,
          options: object,
        ): { run(work: () => Promise<void>): Promise<unknown> }
      }
    }>('@verrou/core')
    const { dynamodbStore } = await peer<{ dynamodbStore(options: object): object }>(
      '@verrou/core/drivers/dynamodb',
    )
    const name = `verrou-${Date.now()}`
    const bench = new Verrou({
      default: 'd',
      stores: { d: { driver: dynamodbStore({ connection: client, table: { name } }) } },
    })
    await bench.createLock('warm', '30s', {}).run(async () => {})
    return bench
  })
  if (verrou)
    list.push({
      name: '@verrou/core',
      run: (n, ms) =>
        contest(meter, n, ms, () => {
          const lock = verrou.createLock(`m-${n}`, '30s', {
            retry: { delay: 20, attempts: Number.POSITIVE_INFINITY },
          })
          return async (work) => {
            await lock.run(work)
          }
        }),
    })

  const lockClient = await optional('dynamodb-lock-client', notes, async () => {
    const { FailOpen } = required<{ FailOpen: new (config: object) => LockClient }>('dynamodb-lock-client')
    const name = `lock-client-${Date.now()}`
    await createTable(client, name)
    const documents = lib.DynamoDBDocumentClient.from(client)
    // It is written for version 2 of the SDK: its three calls on version 3.
    type Done = (error: unknown, data?: unknown) => void
    const call = (Command: new (input: never) => unknown) => (input: never, done: Done) => {
      documents.send(new Command(input) as never).then(
        (data) => done(undefined, data),
        (error: Error & { code?: string }) => {
          error.code = error.name
          done(error)
        },
      )
    }
    const dynamodb = {
      get: call(lib.GetCommand as never),
      put: call(lib.PutCommand as never),
      delete: call(lib.DeleteCommand as never),
    }
    return new FailOpen({
      dynamodb,
      lockTable: name,
      partitionKey: 'pk',
      sortKey: 'sk',
      leaseDurationMs: 1000,
      retryCount: 1000,
      trustLocalTime: true,
    })
  })
  if (lockClient)
    list.push({
      name: 'dynamodb-lock-client, FailOpen',
      run: (n, ms) =>
        contest(meter, n, ms, () => async (work) => {
          const lock = await new Promise<{ release(done: (error?: Error) => void): void }>(
            (resolve, reject) => {
              lockClient.acquireLock({ pk: `m-${n}`, sk: 'lock' }, (error, got) =>
                error ? reject(error) : resolve(got),
              )
            },
          )
          await work()
          await new Promise<void>((resolve, reject) => {
            lock.release((error) => (error ? reject(error) : resolve()))
          })
        }),
    })
  return list
}
