import { randomUUID } from 'node:crypto'
import { type AtomicDbInterface, AtomicLRUCache } from 'lockrow'
import { ForwardingDb } from 'lockrow/backend'
import { AtomicDynamoDB, createTable, type DirectClient, directClient } from 'lockrow/direct'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

/** A name that no other test uses. */
export const fresh = (name = 'users'): string => `${name}-${randomUUID().slice(0, 12)}`

/** The same tests on the twin, on DynamoDB Local, and through the cache. */
export function onAllBackends(title: string, tests: (open: () => AtomicDbInterface) => void): void {
  onBothBackends(title, ({ open }) => {
    tests(open)
    describe('through the cache', () => {
      tests(() => new AtomicLRUCache(open(), 1000))
    })
  })
  describe(`${title}, DynamoDB Local without the SDK`, () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    let client: DirectClient
    let table: string
    beforeAll(async () => {
      client = directClient({ endpoint: inject('dynamoEndpoint'), region: 'local', credentials })
      table = `collections-${randomUUID()}`
      await createTable(client, table)
    })
    afterAll(async () => {
      await client.call('DeleteTable', { TableName: table })
      client.destroy()
    })
    tests(() => new AtomicDynamoDB(client, table))
  })
}

/** Counts the calls of each method. */
export class CountedDb extends ForwardingDb {
  calls: string[] = []
  protected override forward(...[method, args]: Parameters<ForwardingDb['forward']>): never {
    this.calls.push(method)
    return super.forward(method, args) as never
  }
  /** The calls since the last time. */
  take(): string {
    const calls = this.calls.join(' ')
    this.calls = []
    return calls
  }
}

export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  )
