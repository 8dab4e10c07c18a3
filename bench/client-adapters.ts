// biome-ignore-all lint/suspicious/noTemplateCurlyInString: OneTable has a template language of its own.
import type { AtomicDbInterface } from '../src/index.ts'
import { peer } from './lib/peers.ts'
import type { Client, DocumentClient } from './lib/sdk.ts'
import { seeded } from './lib/seeded.ts'
import { makeUser, sortKey } from './lib/user.ts'

export const operations = ['get', 'put', 'batchGet', 'query', 'update', 'transact'] as const
export type Operation = (typeof operations)[number]
type Operations = Record<Operation, () => Promise<unknown>>
export type Adapter = Operations & { name: string }

export interface Setting {
  client: Client
  documents: DocumentClient
  database: () => AtomicDbInterface
  table: string
}

export interface Maker {
  name: string
  make(setting: Setting): Promise<Operations>
}

// The few members of each library that are used, since it may not be installed where this is type-checked.
interface Sendable {
  send(): Promise<unknown>
}
/** Anything that is built by calling methods in a chain. */
type Chain = { [method: string]: (...given: unknown[]) => Chain } & { go(): Promise<unknown> } & Sendable
type Class = new (...given: unknown[]) => Chain

const ten = Array.from({ length: 10 }, (_, i) => i)

const electro: Maker = {
  name: 'ElectroDB',
  async make({ documents, table }) {
    const { Entity, Service } = await peer<{
      Entity: new (model: object, config: object) => ElectroEntity
      Service: new (entities: object, config: object) => ElectroService
    }>('electrodb')
    const user = new Entity(
      {
        model: { entity: 'user', version: '1', service: 'bench' },
        attributes: {
          group: { type: 'string', required: true },
          id: { type: 'string', required: true },
          name: { type: 'string' },
          email: { type: 'string' },
          age: { type: 'number' },
          active: { type: 'boolean' },
          stock: { type: 'number' },
          tags: { type: 'list', items: { type: 'string' } },
          address: {
            type: 'map',
            properties: { street: { type: 'string' }, city: { type: 'string' }, zip: { type: 'string' } },
          },
        },
        indexes: {
          primary: { pk: { field: 'pk', composite: ['group'] }, sk: { field: 'sk', composite: ['id'] } },
        },
      },
      { client: documents, table },
    )
    const service = new Service({ user }, { client: documents, table })
    const key = (i: number) => ({ group: 'electro', id: sortKey(i) })
    const put = (i: number) => user.put({ ...key(i), ...makeUser(i) }).go()
    await seeded(put)
    return {
      get: () => user.get(key(7)).go({ consistent: true }),
      put: () => put(7),
      batchGet: () => user.get(ten.map(key)).go({ preserveBatchOrder: true, consistent: true }),
      query: () => user.query.primary({ group: 'electro' }).begins({ id: 'user#' }).go({ consistent: true }),
      update: () =>
        user
          .patch(key(7))
          .subtract({ stock: 3 })
          .where(({ stock }: Names, { gte }: Functions) => gte!(stock, 3))
          .go({ response: 'all_new' }),
      transact: () =>
        service.transaction
          .write(({ user }) => ten.map((i) => user.put({ ...key(i), ...makeUser(i) }).commit()))
          .go(),
    }
  },
}
type Names = Record<string, unknown>
type Functions = Record<string, (...given: unknown[]) => string>
interface Going {
  go(options?: object): Promise<unknown>
  commit(): unknown
  subtract(values: object): Going
  where(test: (names: Names, functions: Functions) => string): Going
  begins(values: object): Going
}
interface ElectroEntity {
  put(item: object): Going
  get(keys: object): Going
  patch(key: object): Going
  query: { primary(key: object): Going }
}
interface ElectroService {
  transaction: { write(make: (entities: { user: ElectroEntity }) => unknown[]): Going }
}

const toolbox: Maker = {
  name: 'dynamodb-toolbox',
  async make({ documents, table }) {
    const load = (path: string) => peer<Record<string, Class & ((...given: unknown[]) => Chain)>>(path)
    const { Table } = await load('dynamodb-toolbox/table')
    const { Entity } = await load('dynamodb-toolbox/entity')
    const s = await load('dynamodb-toolbox/schema')
    const all = await load('dynamodb-toolbox')
    const { GetItemCommand, PutItemCommand, UpdateItemCommand, QueryCommand, $add } = all
    const { BatchGetRequest, BatchGetCommand, PutTransaction } = all
    const executeBatchGet = all.executeBatchGet as unknown as (...given: unknown[]) => Promise<unknown>
    const executeTransactWrite = all.executeTransactWrite as unknown as (
      ...given: unknown[]
    ) => Promise<unknown>
    const { item, string, number, boolean, list, map } = s as Record<string, (...given: unknown[]) => Chain>
    const users = new Table!({
      name: table,
      documentClient: documents,
      partitionKey: { name: 'pk', type: 'string' },
      sortKey: { name: 'sk', type: 'string' },
    })
    const user = new Entity!({
      name: 'user',
      table: users,
      schema: item!({
        pk: string!().key!(),
        sk: string!().key!(),
        name: string!(),
        email: string!(),
        age: number!(),
        active: boolean!(),
        stock: number!(),
        tags: list!(string!()),
        address: map!({ street: string!(), city: string!(), zip: string!() }),
      }),
    })
    const key = (i: number) => ({ pk: 'toolbox', sk: sortKey(i) })
    const put = (i: number) => user.build!(PutItemCommand).item!({ ...key(i), ...makeUser(i) }).send()
    await seeded(put)
    return {
      get: () => user.build!(GetItemCommand).key!(key(7)).options!({ consistent: true }).send(),
      put: () => put(7),
      batchGet: () =>
        executeBatchGet(
          users.build!(BatchGetCommand).requests!(
            ...ten.map((i) => user.build!(BatchGetRequest).key!(key(i))),
          ).options!({ consistent: true }),
        ),
      query: () =>
        users.build!(QueryCommand).query!({ partition: 'toolbox', range: { beginsWith: 'user#' } }).entities!(
          user,
        ).options!({ consistent: true }).send(),
      update: () =>
        user.build!(UpdateItemCommand).item!({
          ...key(7),
          stock: ($add as unknown as (n: number) => unknown)(-3),
        }).options!({ condition: { attr: 'stock', gte: 3 }, returnValues: 'ALL_NEW' }).send(),
      transact: () =>
        executeTransactWrite(
          ...ten.map((i) => user.build!(PutTransaction).item!({ ...key(i), ...makeUser(i) })),
        ),
    }
  },
}

const oneTable: Maker = {
  name: 'OneTable',
  async make({ client, table }) {
    const { Table } = await peer<{ Table: new (options: object) => OneTable }>('dynamodb-onetable')
    const { Dynamo } = await peer<{ Dynamo: new (options: object) => unknown }>('dynamodb-onetable/Dynamo')
    const text = { type: String }
    const db = new Table({
      client: new Dynamo({ client }),
      name: table,
      partial: true,
      timestamps: false,
      logger: false,
      schema: {
        format: 'onetable:1.1.0',
        version: '0.0.1',
        indexes: { primary: { hash: 'pk', sort: 'sk' } },
        models: {
          User: {
            pk: { type: String, value: 'onetable#${group}' },
            sk: { type: String, value: 'user#${id}' },
            group: { type: String, required: true },
            id: { type: String, required: true },
            name: text,
            email: text,
            age: { type: Number },
            active: { type: Boolean },
            stock: { type: Number },
            tags: { type: Array, items: text },
            address: { type: Object, schema: { street: text, city: text, zip: text } },
          },
        },
      },
    })
    const User = db.getModel('User')
    const key = (i: number) => ({ group: 'g', id: sortKey(i) })
    const put = (i: number) => User.create({ ...key(i), ...makeUser(i) }, { exists: null })
    await seeded(put)
    return {
      get: () => User.get(key(7), { consistent: true }),
      put: () => put(7),
      batchGet: async () => {
        const batch = {}
        for (const i of ten) await User.get(key(i), { batch })
        return db.batchGet(batch, { parse: true, consistent: true })
      },
      query: () => User.find({ group: 'g', sk: { begins: 'user#' } }, { consistent: true }),
      update: () => User.update(key(7), { add: { stock: -3 }, where: '${stock} >= {3}', return: 'ALL_NEW' }),
      transact: async () => {
        const transaction = {}
        for (const i of ten) await User.create({ ...key(i), ...makeUser(i) }, { exists: null, transaction })
        return db.transact('write', transaction)
      },
    }
  },
}
interface OneTable {
  getModel(
    name: string,
  ): Record<'create' | 'get' | 'find' | 'update', (...given: object[]) => Promise<unknown>>
  batchGet(batch: object, options: object): Promise<unknown>
  transact(kind: string, transaction: object): Promise<unknown>
}

export const adapters: readonly Maker[] = [electro, toolbox, oneTable]
