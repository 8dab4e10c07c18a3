export interface ColdSubject {
  name: string
  /** The package that it needs, where that is not ours. */
  of?: string
  /** Exports `read`, which reads the item, and `write`, which makes it. */
  code: string
}

const place = `const endpoint = process.env.ENDPOINT, table = process.env.TABLE
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
`
const sdkClient = `import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
${place}const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
`
const documents = `import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
${sdkClient}const documents = DynamoDBDocumentClient.from(client)
`
const key = `{ pk: 'cold', sk: 'item' }`

/** Each is bundled by itself, minified, as a function is deployed. */
export const subjects: readonly ColdSubject[] = [
  {
    name: 'lockrow/direct',
    code: `import { AtomicDynamoItems, directClient } from 'lockrow/direct'
${place}const db = new AtomicDynamoItems(directClient({ endpoint, region: 'us-east-1', credentials }), table)
export const read = () => db.get(${key})
export const write = () => db.set({ ...${key}, data: { stock: 1 } })`,
  },
  {
    name: 'SDK and lockrow',
    code: `${sdkClient}import { AtomicDynamoItems } from 'lockrow/dynamo'
const db = new AtomicDynamoItems(client, table)
export const read = () => db.get(${key})
export const write = () => db.set({ ...${key}, data: { stock: 1 } })`,
  },
  {
    name: 'document client',
    code: `import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
${documents}export const read = () => documents.send(new GetCommand({ TableName: table, Key: ${key}, ConsistentRead: true }))
export const write = () => documents.send(new PutCommand({ TableName: table, Item: { ...${key}, stock: 1 } }))`,
  },
  {
    name: 'bare SDK',
    code: `import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
${sdkClient}const Key = { pk: { S: 'cold' }, sk: { S: 'item' } }
export const read = () => client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))
export const write = () => client.send(new PutItemCommand({ TableName: table, Item: { ...Key, stock: { N: '1' } } }))`,
  },
  {
    name: 'SDK and ElectroDB',
    of: 'electrodb',
    code: `import { Entity } from 'electrodb'
${documents}const items = new Entity({
  model: { entity: 'item', version: '1', service: 'bench' },
  attributes: { id: { type: 'string', required: true }, stock: { type: 'number' } },
  indexes: { main: { pk: { field: 'pk', composite: ['id'] }, sk: { field: 'sk', composite: [] } } },
}, { client: documents, table })
export const read = () => items.get({ id: 'cold' }).go({ consistent: true })
export const write = () => items.put({ id: 'cold', stock: 1 }).go()`,
  },
  {
    name: 'SDK and dynamodb-toolbox',
    of: 'dynamodb-toolbox',
    code: `import { Table } from 'dynamodb-toolbox/table'
import { Entity } from 'dynamodb-toolbox/entity'
import { GetItemCommand } from 'dynamodb-toolbox/entity/actions/get'
import { PutItemCommand } from 'dynamodb-toolbox/entity/actions/put'
import { item, number, string } from 'dynamodb-toolbox/schema'
${documents}const items = new Entity({
  name: 'item',
  table: new Table({
    name: table, documentClient: documents,
    partitionKey: { name: 'pk', type: 'string' }, sortKey: { name: 'sk', type: 'string' },
  }),
  schema: item({ pk: string().key(), sk: string().key(), stock: number() }),
})
export const read = () => items.build(GetItemCommand).key(${key}).options({ consistent: true }).send()
export const write = () => items.build(PutItemCommand).item({ ...${key}, stock: 1 }).send()`,
  },
  {
    name: 'SDK and OneTable',
    of: 'dynamodb-onetable',
    code: `import { Table } from 'dynamodb-onetable'
import { Dynamo } from 'dynamodb-onetable/Dynamo'
${sdkClient}const db = new Table({
  client: new Dynamo({ client }), name: table, partial: true, timestamps: false, logger: false,
  schema: {
    format: 'onetable:1.1.0', version: '0.0.1',
    indexes: { primary: { hash: 'pk', sort: 'sk' } },
    models: { Item: { pk: { type: String, value: 'cold' }, sk: { type: String, value: 'item' }, stock: { type: Number } } },
  },
})
const Item = db.getModel('Item')
export const read = () => Item.get({}, { consistent: true })
export const write = () => Item.create({ stock: 1 }, { exists: null })`,
  },
]
