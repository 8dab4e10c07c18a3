import { collection, typed } from '../src/collections/index.ts'
import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { decrement } from '../src/recipes/index.ts'
import { atomic, consume, type Transaction, transaction } from '../src/transactions/index.ts'
import { withLocal } from './lib/local.ts'
import { costOf, type Meter, metered } from './lib/meter.ts'
import { NaiveDynamo } from './lib/naive.ts'
import type { BenchOptions } from './lib/options.ts'
import { lib, makeClient, sdkVersion } from './lib/sdk.ts'
import type { Section } from './lib/section.ts'
import { progress } from './lib/terminal.ts'
import { makeUser, sortKey } from './lib/user.ts'

type Cost = Pick<Meter, 'requests' | 'wru' | 'rru'>
const cost = (requests: number, wru: number, rru: number): Cost => ({ requests, wru, rru })

interface Case {
  name: string
  /** The least that the service allows for this outcome. */
  least: Cost
  /** Runs before, uncounted; what it gives goes to `ours` and `naive`. */
  prepare?: () => Promise<unknown>
  ours: (given: never) => Promise<unknown>
  naive?: (given: never) => Promise<unknown>
  /** Why it is more than the least, where it is. */
  reason?: string
}

/** Requests and units of every operation: from the requests that were really sent, by the documented formula. */
export async function run(_options: BenchOptions): Promise<Section> {
  return withLocal(async (endpoint, table) => {
    const client = makeClient(endpoint)
    const plain = makeClient(endpoint)
    const meter = metered(client)
    const naiveMeter = metered(plain)
    const db = new AtomicDynamoDB(client, table)
    const naive = new NaiveDynamo(lib.DynamoDBDocumentClient.from(plain), table)
    const rows: (string | number)[][] = []
    let over = 0
    for (const one of [...cases(db, naive), ...collectionCases(db)]) {
      progress(`units: ${one.name}`)
      const given = (await one.prepare?.()) as never
      const mine = await costOf(meter, () => one.ours(given))
      const again = one.naive && ((await one.prepare?.()) as never)
      const theirs = one.naive && (await costOf(naiveMeter, () => one.naive!(again as never)))
      const equal =
        mine.requests <= one.least.requests && mine.wru <= one.least.wru && mine.rru <= one.least.rru
      if (!equal && !one.reason) over++
      rows.push([
        one.name,
        text(mine),
        text(one.least),
        theirs ? text(theirs) : '-',
        equal ? 'the least' : (one.reason ?? 'MORE than the least'),
      ])
    }
    client.destroy()
    plain.destroy()
    return {
      id: 'units',
      title: 'Requests and units per operation',
      settings: { '@aws-sdk': sdkVersion, rows: 'about 350 bytes each, so that a row is 1 WRU and 1 RRU' },
      targets: [
        {
          what: 'operations that cost more than the least without a reason',
          target: '0',
          value: String(over),
          met: over === 0,
        },
      ],
      tables: [
        {
          title: 'requests / WRU / RRU',
          columns: ['operation', 'lockrow', 'least', 'the seed taken at its word', ''],
          rows,
        },
      ],
      charts: [],
      notes: [
        'Computed from the requests sent: 1 WRU per started KB, 1 RRU per started 4 KB read strongly and half of that eventually, twice both in a transaction; failed conditions are billed. DynamoDB Local reports transactions wrongly, so its own figures are not used.',
        'The seed taken at its word reads eventually in queries, claims a message together with its own lock row in a transaction, and updates by reading lock and item and writing both back. It retries nothing: UnprocessedItems are lost.',
      ],
    }
  })
}

const text = ({ requests, wru, rru }: Cost): string => `${requests} / ${wru} / ${Number(rru.toFixed(1))}`

interface Member {
  id: string
  email: string
  team: string
  logins: number
}

/** Items with a unique field and an index: what the same rows cost by hand. */
function collectionCases(db: AtomicDynamoDB): Case[] {
  const options = { schema: typed<Member>(), key: 'id' } as const
  const plain = collection(db, 'units-plain', options)
  const members = collection(db, 'units-members', {
    ...options,
    unique: { email: { key: 'email', project: ['team'] } },
    indexes: { team: { key: 'team', project: ['email'] }, whole: { key: 'team' } },
  })
  let made = 0
  const member = (): Member => ({ id: `m${++made}`, email: `m${made}@example.com`, team: 'red', logins: 0 })
  const one = () => members.insert(member())
  return [
    {
      name: 'collection: first write of a process',
      least: cost(1, 1, 0),
      ours: () => plain.put(member()),
      reason: 'says which version writes, every 20 minutes at most',
    },
    {
      name: 'collection: put without indexes',
      least: cost(1, 1, 0),
      prepare: () => plain.put(member()),
      ours: () => plain.put(member()),
    },
    {
      name: 'collection: get',
      least: cost(1, 0, 1),
      prepare: one,
      ours: ({ id }: Member) => members.get(id),
    },
    { name: 'collection: insert, 3 entries', least: cost(1, 8, 0), ours: () => members.insert(member()) },
    { name: 'collection: put, 3 entries', least: cost(2, 8, 1), ours: () => members.put(member()) },
    {
      name: 'collection: update of no index',
      least: cost(1, 1, 0),
      prepare: one,
      ours: ({ id }: Member) => members.update(id, { add: { logins: 1 } }),
    },
    {
      name: 'collection: update that moves 2 entries and changes 1',
      least: cost(2, 12, 1),
      prepare: one,
      ours: ({ id }: Member) => members.update(id, { set: { team: 'blue' } }),
    },
    {
      name: 'collection: put that changes no entry',
      least: cost(2, 1, 1),
      prepare: one,
      ours: (given: Member) => members.put({ ...given, logins: 5 }),
    },
    {
      name: 'collection: unique get, projected',
      least: cost(1, 0, 1),
      prepare: one,
      ours: ({ email }: Member) => members.by('email').get(email),
    },
    {
      name: 'collection: list of an index, projected',
      least: cost(1, 0, 1),
      ours: () => members.by('team').list({ team: 'blue' }),
    },
    {
      name: 'collection: list of an index, whole items (1)',
      least: cost(2, 0, 2),
      ours: () => members.by('whole').list({ team: 'blue' }),
    },
    {
      name: 'collection: delete, 3 entries',
      least: cost(2, 8, 1),
      prepare: one,
      ours: ({ id }: Member) => members.delete(id),
    },
  ]
}

function cases(db: AtomicDynamoDB, naive: NaiveDynamo): Case[] {
  const pk = 'units'
  const item = (i: number) => ({ pk, sk: sortKey(i), data: makeUser(i) })
  const items = (n: number) => Array.from({ length: n }, (_, i) => item(i))
  const keys = (n: number) => items(n).map(({ sk }) => ({ pk, sk }))
  let fresh = 0
  const unused = () => ({ pk: 'fresh', sk: `k${fresh++}` })
  const readAndWrite = async (tx: Transaction) => {
    const found = await tx.get(keys(1)[0]!)
    tx.set({ ...found!, data: makeUser(fresh++) })
  }
  const lockOf = (i: number) => ({ pk, sk: `${sortKey(i)}#lock` })
  const locks = (n: number) => Promise.all(Array.from({ length: n }, (_, i) => db.getLock(lockOf(i))))
  return [
    {
      name: 'set 1 item',
      least: cost(1, 1, 0),
      ours: () => db.set(item(1)),
      naive: () => naive.set([item(1)]),
    },
    {
      name: 'set 25 items',
      least: cost(1, 25, 0),
      ours: () => db.set(items(25)),
      naive: () => naive.set(items(25)),
    },
    { name: 'set 100 items', least: cost(4, 100, 0), ours: () => db.set(items(100)) },
    {
      name: 'get',
      least: cost(1, 0, 1),
      ours: () => db.get(item(1)),
      naive: () => naive.get({ pk, sk: sortKey(1) }),
    },
    {
      name: 'get, consistent: false',
      least: cost(1, 0, 0.5),
      ours: () => db.get(item(1), { consistent: false }),
    },
    {
      name: 'getMany of 100',
      least: cost(1, 0, 100),
      ours: () => db.getMany(keys(100)),
      naive: () => naive.getMany(keys(100)),
    },
    {
      name: 'query of 100 items (19 KB)',
      least: cost(1, 0, 5),
      ours: () => db.query({ pk, sk: 'user#' }),
      naive: () => naive.query(pk, 'user#'),
    },
    {
      name: 'query of a range, 10 of 100 items',
      least: cost(1, 0, 1),
      ours: () => db.query({ pk, from: sortKey(10), to: sortKey(20), exclude: 'to' }),
    },
    {
      name: 'query of a range within a prefix, fields: 1 of 4',
      least: cost(1, 0, 1),
      ours: () => db.query({ pk, sk: 'user#', from: sortKey(90), fields: ['name'] }),
    },
    {
      name: 'page of 10 items, one read ahead',
      least: cost(1, 0, 1),
      ours: () => db.page({ pk, sk: 'user#', limit: 10 }),
    },
    { name: 'count of 100 items (19 KB)', least: cost(1, 0, 5), ours: () => db.count({ pk, sk: 'user#' }) },
    { name: 'getTogether of 10', least: cost(1, 0, 20), ours: () => db.getTogether(keys(10)) },
    {
      name: 'set with returnOld',
      least: cost(1, 1, 0),
      ours: () => db.set(item(1), { returnOld: true }),
    },
    {
      name: 'update with returnOld',
      least: cost(1, 1, 0),
      ours: () => db.update(keys(2)[1]!, { add: { stock: -3 } }, { returnOld: true }),
    },
    {
      name: 'deleteRange of 50 items (9 KB)',
      least: cost(3, 50, 3),
      prepare: () => db.set(Array.from({ length: 50 }, (_, i) => ({ ...item(i), pk: 'units-range' }))),
      ours: () => db.deleteRange({ pk: 'units-range' }),
    },
    {
      name: 'delete',
      least: cost(1, 1, 0),
      ours: () => db.delete(unused()),
      naive: () => naive.delete([unused()]),
    },
    {
      name: 'getLock, there',
      least: cost(1, 0, 1),
      prepare: () => locks(1),
      ours: () => db.getLock(lockOf(0)),
      naive: () => naive.getLock(lockOf(0)),
    },
    {
      name: 'getLock, made',
      least: cost(2, 1, 1),
      ours: () => db.getLock(unused()),
      naive: () => naive.getLock(unused()),
    },
    {
      name: 'getLocked of 1 (item and lock as of one moment)',
      least: cost(1, 0, 4),
      prepare: () => locks(1),
      ours: () => db.getLocked(keys(1)),
    },
    {
      name: 'setAtomic: 1 item, 1 lock',
      least: cost(1, 4, 0),
      prepare: () => db.getLock(lockOf(0)),
      ours: (lock) => db.setAtomic(item(0), lock),
      naive: (lock) => naive.setAtomic([item(0)], [lock]),
    },
    {
      name: 'commit: 5 items, 5 locks',
      least: cost(1, 20, 0),
      prepare: () => locks(5),
      ours: (held: Awaited<ReturnType<typeof locks>>) => atomic(db).bump(held).set(items(5)).commit(),
      naive: (held: Awaited<ReturnType<typeof locks>>) => naive.setAtomic(items(5), held),
    },
    {
      name: 'transact with idempotencyKey: 1 item',
      least: cost(1, 4, 0),
      ours: () => db.transact([{ type: 'set', item: item(1) }], { idempotencyKey: `key-${fresh++}` }),
    },
    {
      name: 'transaction(): reads 1 and writes it',
      least: cost(2, 4, 1),
      ours: () => transaction(db, readAndWrite),
    },
    {
      name: 'transaction(): reads 1 and writes it, locks: false',
      least: cost(2, 2, 1),
      ours: () => transaction(db, readAndWrite, { locks: false }),
    },
    {
      name: 'transaction(): reads 3 and writes 2 of them',
      least: cost(2, 10, 3),
      ours: () =>
        transaction(db, async (tx) => {
          const [a, b] = await tx.getMany(keys(3))
          tx.set({ ...a!, data: makeUser(0) })
          tx.set({ ...b!, data: makeUser(1) })
        }),
    },
    {
      name: 'transaction(): reads 1 and writes nothing',
      least: cost(1, 0, 1),
      ours: () => transaction(db, (tx) => tx.get(keys(1)[0]!)),
    },
    {
      name: 'transaction(): reads 3 of one moment and writes nothing',
      least: cost(2, 0, 9),
      ours: () => transaction(db, (tx) => tx.getMany(keys(3))),
    },
    {
      name: 'consume() that sets 2 items, after the pull',
      least: cost(1, 10, 0),
      prepare: async () => {
        await db.queuePush({ pk: 'q-consume', data: 1 })
        return (await db.queuePull({ pk: 'q-consume' })).item
      },
      ours: (message) =>
        consume(db, message, (tx) => {
          tx.set(item(1))
          tx.set(item(2))
        }),
    },
    {
      name: 'update, applied',
      least: cost(1, 1, 0),
      ours: () => db.update(keys(2)[1]!, { add: { stock: -3 } }, { if: { stock: { gte: 3 } } }),
      naive: () => naive.updateByLock(keys(2)[1]!, (data) => ({ ...(data as object), stock: 1e9 })),
    },
    {
      name: 'update, condition does not hold (the item comes back)',
      least: cost(1, 1, 0),
      ours: () => db.update(keys(2)[1]!, { add: { stock: -3 } }, { if: { stock: { gte: 1e12 } } }),
    },
    {
      name: 'update that makes the item',
      least: cost(2, 2, 0),
      ours: () => db.update(unused(), { add: { count: 1 } }),
    },
    {
      name: 'update with max, applied',
      least: cost(1, 1, 0),
      ours: () => db.update(keys(2)[1]!, { max: { age: 1000 + fresh++ } }),
    },
    {
      name: 'update with exactlyOnce',
      least: cost(2, 2, 1),
      ours: () => db.update(keys(2)[1]!, { add: { stock: -3 } }, { exactlyOnce: true }),
    },
    {
      name: 'decrement within bounds',
      least: cost(1, 1, 0),
      ours: () => decrement(db, keys(2)[1]!, 'stock', 3),
    },
    {
      name: 'queuePush',
      least: cost(1, 1, 0),
      ours: () => db.queuePush({ pk: 'q-ours', data: { job: 1 } }),
      naive: () => naive.queuePush('q-naive', { job: 1 }),
    },
    {
      name: 'queuePull',
      least: cost(2, 1, 1),
      ours: () => db.queuePull({ pk: 'q-ours' }),
      naive: () => naive.queuePull('q-naive'),
    },
    {
      name: 'queueAcknowledge',
      least: cost(1, 1, 0),
      prepare: async () => {
        await db.queuePush({ pk: 'q-ack', data: 1 })
        return (await db.queuePull({ pk: 'q-ack' })).item
      },
      ours: (message) => db.queueAcknowledge(message),
      naive: (message) => naive.queueAcknowledge(message),
    },
    {
      name: 'acknowledge, 1 item and 1 message in one transaction',
      least: cost(1, 6, 0),
      prepare: async () => {
        await db.queuePush({ pk: 'q-tx', data: 1 })
        return (await db.queuePull({ pk: 'q-tx' })).item
      },
      ours: (message) =>
        atomic(db).queueAcknowledge(message).set(item(1)).queuePush({ pk: 'q-next', data: 2 }).commit(),
    },
  ]
}
