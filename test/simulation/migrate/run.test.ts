import { AtomicEngine } from 'lockrow/backend'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { TestRuntime } from 'lockrow/testing'
import { expect, inject, test } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'
import { runMigration } from './run.ts'

/** The short form of `npm run prove:migrate`. */
const right = { problems: 0, wrong: 0, lost: 0 }

test('2,000 items on the twin beside 16 writers, killed ten times', { timeout: 180_000 }, async () => {
  const runtime = new TestRuntime()
  const storage = new MemoryStorage(runtime)
  const report = await runMigration({
    items: 2000,
    writers: 16,
    kills: 10,
    seed: 1,
    open: () => new AtomicEngine(storage, { runtime }),
    advance: (ms) => runtime.advance(ms),
  })
  expect(report).toMatchObject({ ...right, items: 2000 })
  expect(report.kills).toBeGreaterThanOrEqual(8)
})

test('120 items on DynamoDB Local beside 4 writers, killed once', { timeout: 180_000 }, async () => {
  const runtime = new TestRuntime()
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client, 'migrate')
  const report = await runMigration({
    items: 120,
    writers: 4,
    kills: 1,
    seed: 2,
    open: () => new AtomicDynamoDB(client, table, { runtime }),
    advance: (ms) => runtime.advance(ms),
  })
  expect(report).toMatchObject(right)
  await dropTable(client, table)
  client.destroy()
})
