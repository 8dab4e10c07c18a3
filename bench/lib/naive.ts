import { ulid } from 'ulid'
import { type DocumentClient, lib } from './sdk.ts'

/**
 * The seed's description taken at its word, by the shortest way: what a reader of it would write in an afternoon. It
 * keeps locks and messages as described, and none of what this project adds (lost replies, torn reads, unprocessed
 * items, expiry in conditions). The yardstick for units and requests, and in memory for speed.
 */
const { BatchGetCommand, BatchWriteCommand, GetCommand, PutCommand, QueryCommand, TransactWriteCommand } = lib

export interface Key {
  pk: string
  sk: string
}
export interface Item extends Key {
  data?: unknown
  ttl?: number
}
export interface Lock extends Key {
  version: string
  ttl: number
}
type Message = Item & { isProcessing: boolean; processingTimeout?: number }

const day = 24 * 60 * 60
const seconds = () => Math.floor(Date.now() / 1000)

export class NaiveDynamo {
  readonly #client: DocumentClient
  readonly #table: string

  constructor(client: DocumentClient, table: string) {
    this.#client = client
    this.#table = table
  }

  async get(Key: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key, ConsistentRead: true }),
    )
    return Item as Item | undefined
  }

  async getMany(Keys: Key[]): Promise<unknown> {
    const { Responses } = await this.#client.send(
      new BatchGetCommand({ RequestItems: { [this.#table]: { Keys, ConsistentRead: true } } }),
    )
    return Responses?.[this.#table]
  }

  async set(items: Item[]): Promise<void> {
    await this.#client.send(
      new BatchWriteCommand({
        RequestItems: { [this.#table]: items.map((Item) => ({ PutRequest: { Item } })) },
      }),
    )
  }

  async delete(keys: Key[]): Promise<void> {
    await this.#client.send(
      new BatchWriteCommand({
        RequestItems: { [this.#table]: keys.map((Key) => ({ DeleteRequest: { Key } })) },
      }),
    )
  }

  async query(pk: string, sk: string): Promise<unknown> {
    const { Items } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :p AND begins_with(sk, :s)',
        ExpressionAttributeValues: { ':p': pk, ':s': sk },
      }),
    )
    return Items
  }

  async getLock(key: Key): Promise<Lock> {
    const found = (await this.get(key)) as Lock | undefined
    if (found && found.ttl - seconds() > 3600) return found
    const lock = { ...key, version: found?.version ?? ulid(), ttl: seconds() + day }
    await this.#client.send(new PutCommand({ TableName: this.#table, Item: lock }))
    return lock
  }

  async setAtomic(items: Item[], locks: Lock[]): Promise<void> {
    await this.#client.send(
      new TransactWriteCommand({
        TransactItems: [
          ...items.map((Item) => ({ Put: { TableName: this.#table, Item } })),
          ...locks.map(({ pk, sk, version }) => ({
            Put: {
              TableName: this.#table,
              Item: { pk, sk, version: ulid(), ttl: seconds() + day },
              ConditionExpression: 'version = :v',
              ExpressionAttributeValues: { ':v': version },
            },
          })),
        ],
      }),
    )
  }

  async queuePush(pk: string, data: unknown): Promise<void> {
    await this.set([{ pk, sk: ulid(), data, isProcessing: false } as Item])
  }

  /** 'With optimistic locking': each message has a lock row, and a claim writes both. */
  async queuePull(pk: string, ttlSeconds = 300): Promise<Item | undefined> {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': pk },
      }),
    )
    const now = Date.now()
    for (const item of Items as Message[]) {
      if (item.sk.endsWith('#lock') || (item.isProcessing && item.processingTimeout! > now)) continue
      const lock = await this.getLock({ pk, sk: `${item.sk}#lock` })
      const claimed = { ...item, isProcessing: true, processingTimeout: now + ttlSeconds * 1000 }
      try {
        await this.setAtomic([claimed], [lock])
        return claimed
      } catch (error) {
        if ((error as Error).name !== 'TransactionCanceledException') throw error
      }
    }
    return undefined
  }

  async queueAcknowledge({ pk, sk }: Key): Promise<void> {
    await this.delete([
      { pk, sk },
      { pk, sk: `${sk}#lock` },
    ])
  }

  /** What 'update' is with locks: read, decide, write both rows. */
  async updateByLock(key: Key, change: (data: unknown) => unknown): Promise<boolean> {
    const lock = await this.getLock({ pk: key.pk, sk: `${key.sk}#lock` })
    const item = await this.get(key)
    try {
      await this.setAtomic([{ ...key, data: change(item?.data) }], [lock])
      return true
    } catch (error) {
      if ((error as Error).name !== 'TransactionCanceledException') throw error
      return false
    }
  }
}

/** The same in memory: a Map of Maps, copies by structuredClone, a query that filters and sorts its partition. */
export class NaiveMemory {
  readonly #partitions = new Map<string, Map<string, Message | Lock>>()

  async get({ pk, sk }: Key): Promise<Item | undefined> {
    const found = this.#partitions.get(pk)?.get(sk)
    if (!found || (found.ttl !== undefined && found.ttl <= seconds())) return undefined
    return structuredClone(found)
  }

  async set(items: readonly (Item | Lock)[]): Promise<void> {
    for (const item of items) {
      let partition = this.#partitions.get(item.pk)
      if (!partition) {
        partition = new Map()
        this.#partitions.set(item.pk, partition)
      }
      partition.set(item.sk, structuredClone(item) as Message)
    }
  }

  async query(pk: string, sk: string): Promise<unknown[]> {
    const now = seconds()
    return [...(this.#partitions.get(pk)?.values() ?? [])]
      .filter((item) => item.sk.startsWith(sk) && !(item.ttl !== undefined && item.ttl <= now))
      .sort((a, b) => (a.sk < b.sk ? -1 : 1))
      .map((item) => structuredClone(item))
  }

  async getLock(key: Key): Promise<Lock> {
    const found = (await this.get(key)) as Lock | undefined
    if (found) return found
    const lock = { ...key, version: ulid(), ttl: seconds() + day }
    await this.set([lock])
    return lock
  }

  async setAtomic(items: Item[], locks: Lock[]): Promise<Lock[]> {
    for (const { pk, sk, version } of locks)
      if ((this.#partitions.get(pk)?.get(sk) as Lock | undefined)?.version !== version)
        throw new Error('RaceCondition')
    const bumped = locks.map(({ pk, sk }) => ({ pk, sk, version: ulid(), ttl: seconds() + day }))
    await this.set([...items, ...bumped])
    return bumped
  }

  async queuePull(pk: string): Promise<Item | undefined> {
    const now = Date.now()
    const messages = (await this.query(pk, '')) as Message[]
    const next = messages.find((one) => !(one.isProcessing && one.processingTimeout! > now))
    if (next) await this.set([{ ...next, isProcessing: true, processingTimeout: now + 300_000 } as Message])
    return next
  }
}
