export interface Subject {
  name: string
  /** The package that it needs, where that is not ours. */
  of?: string
  code: string
}

export const bundles: (Subject & { most?: number })[] = [
  { name: 'lockrow/dynamo, everything', most: 30, code: `export * from '../src/dynamo/index.ts'` },
  { name: 'AtomicDynamoDB alone', most: 15, code: `export { AtomicDynamoDB } from '../src/dynamo/index.ts'` },
  {
    name: 'AtomicDynamoItems alone: no queues',
    code: `export { AtomicDynamoItems } from '../src/dynamo/index.ts'`,
  },
  { name: 'lockrow, everything but lockrow/dynamo', code: `export * from '../src/index.ts'` },
  {
    name: 'AtomicDynamoDB, Mutex and QueueWorker',
    code: `export { AtomicDynamoDB } from '../src/dynamo/index.ts'
      export { Mutex, QueueWorker } from '../src/index.ts'`,
  },
  {
    name: 'Powertools idempotency',
    of: '@aws-lambda-powertools/idempotency',
    code: `export * from '@aws-lambda-powertools/idempotency'
      export { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb'`,
  },
  {
    name: 'OneTable',
    of: 'dynamodb-onetable',
    code: `export * from 'dynamodb-onetable'
      export { Dynamo } from 'dynamodb-onetable/Dynamo'`,
  },
  { name: 'dynamodb-toolbox', of: 'dynamodb-toolbox', code: `export * from 'dynamodb-toolbox'` },
  { name: 'ElectroDB', of: 'electrodb', code: `export * from 'electrodb'` },
]

/** What is imported after the SDK. */
export const imports: { name: string; of?: string; modules: string[] }[] = [
  { name: 'the SDK alone', modules: [] },
  { name: 'lockrow/dynamo', modules: ['lockrow/dynamo'] },
  { name: 'lockrow/dynamo and lockrow', modules: ['lockrow/dynamo', 'lockrow'] },
  {
    name: 'Powertools idempotency',
    of: '@aws-lambda-powertools/idempotency',
    modules: ['@aws-lambda-powertools/idempotency', '@aws-lambda-powertools/idempotency/dynamodb'],
  },
  { name: 'OneTable', of: 'dynamodb-onetable', modules: ['dynamodb-onetable', 'dynamodb-onetable/Dynamo'] },
  { name: 'dynamodb-toolbox', of: 'dynamodb-toolbox', modules: ['dynamodb-toolbox'] },
  { name: 'ElectroDB', of: 'electrodb', modules: ['electrodb'] },
]

const client = `import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
export const client = new DynamoDBClient({})
export const documents = DynamoDBDocumentClient.from(client)
export const raw = await documents.send(new GetCommand({ TableName: 't', Key: { pk: 'a', sk: 'b' } }))
`

/** A small typical file: the client, one kind of item, a read and a write. */
export const typed: Subject[] = [
  { name: 'the SDK alone', code: client },
  {
    name: 'lockrow/dynamo',
    code: `${client}
import { AtomicDynamoDB } from 'lockrow/dynamo'
interface User { name: string; age: number; tags: string[] }
const db = new AtomicDynamoDB(client, 'table')
const key = { pk: 'user', sk: '1' }
const [found] = await db.getLocked<User>([key])
await db.setAtomic({ ...key, data: { ...found!.item!.data, age: 43 } }, found!.lock)
export const { item } = await db.update<User>(key, { add: { age: 1 } }, { if: { age: { lt: 100 } } })
`,
  },
  {
    name: 'lockrow: transaction, queue and mutex',
    code: `${client}
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { Mutex, QueueWorker, transaction } from 'lockrow'
interface User { name: string; age: number; tags: string[] }
const db = new AtomicDynamoDB(client, 'table')
export const age = await transaction(db, async (tx) => {
  const user = await tx.get<User>({ pk: 'user', sk: '1' })
  tx.set({ pk: 'user', sk: '1', data: { ...user!.data, age: user!.data.age + 1 } })
  tx.queuePush({ pk: 'jobs', data: { id: 1 } })
  return user!.data.age
})
await using worker = new QueueWorker<{ id: number }>(db, ({ data }) => console.log(data.id), { pk: 'jobs' })
await new Mutex(db, { pk: 'm', sk: '1' }, { ttlMs: 1000 }).run(({ fencingToken }) => fencingToken)
`,
  },
  {
    name: 'ElectroDB',
    of: 'electrodb',
    code: `${client}
import { Entity } from 'electrodb'
const users = new Entity({
  model: { entity: 'user', version: '1', service: 'bench' },
  attributes: {
    id: { type: 'string', required: true },
    name: { type: 'string', required: true },
    age: { type: 'number', required: true },
    tags: { type: 'list', items: { type: 'string' } },
  },
  indexes: { main: { pk: { field: 'pk', composite: ['id'] }, sk: { field: 'sk', composite: [] } } },
}, { client: documents, table: 'table' })
export const found = await users.get({ id: '1' }).go()
await users.put({ id: '1', name: 'a', age: 43, tags: [] }).go()
export const updated = await users.patch({ id: '1' }).add({ age: 1 }).where(({ age }, { lt }) => lt(age, 100)).go()
`,
  },
  {
    name: 'dynamodb-toolbox',
    of: 'dynamodb-toolbox',
    code: `${client}
import { $add, Entity, GetItemCommand, PutItemCommand, Table, UpdateItemCommand, item, list, number, string } from 'dynamodb-toolbox'
const table = new Table({
  name: 'table', documentClient: documents,
  partitionKey: { name: 'pk', type: 'string' }, sortKey: { name: 'sk', type: 'string' },
})
const users = new Entity({
  name: 'user', table,
  schema: item({ pk: string().key(), sk: string().key(), name: string(), age: number(), tags: list(string()) }),
})
export const found = await users.build(GetItemCommand).key({ pk: 'user', sk: '1' }).send()
await users.build(PutItemCommand).item({ pk: 'user', sk: '1', name: 'a', age: 43, tags: [] }).send()
export const updated = await users.build(UpdateItemCommand).item({ pk: 'user', sk: '1', age: $add(1) })
  .options({ condition: { attr: 'age', lt: 100 } }).send()
`,
  },
]

const handler = `
export const handler = async (event) => {
  const key = { pk: 'order', sk: event.id }
  const item = await db.get(key)
  await db.update(key, { add: { stock: -event.count } }, { if: { stock: { gte: event.count } } })
  const lock = await db.getLock({ pk: 'order', sk: event.id + '#lock' })
  await db.setAtomic({ ...key, data: { ...item.data, by: event.by } }, lock)
}`

/** A handler that reads, updates and commits, by the modules that it imports. */
export const handlers: readonly {
  name: string
  code: (direct: string, dynamo: string) => string
  most?: number
}[] = [
  {
    name: 'lockrow/direct',
    most: 110,
    code: (direct) => `import { AtomicDynamoItems, directClient } from '${direct}'
const db = new AtomicDynamoItems(directClient(), process.env.TABLE)${handler}`,
  },
  {
    name: 'SDK and lockrow',
    code: (_, dynamo) => `import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicDynamoItems } from '${dynamo}'
const db = new AtomicDynamoItems(new DynamoDBClient(), process.env.TABLE)${handler}`,
  },
]
