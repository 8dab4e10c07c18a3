import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { TextRows } from '../../src/dynamo/text-rows.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const client = localClient(inject('dynamoEndpoint'))
let table: string
let rows: TextRows
let db: AtomicDynamoDB
beforeAll(async () => {
  table = await freshTable(client, 'text')
  rows = new TextRows(client, table)
  db = new AtomicDynamoDB(client, table)
  await db.set([
    { pk: 'p', sk: 'a', data: '{"n":1}' },
    { pk: 'p', sk: 'b', data: { n: 2 } },
    { pk: 'p', sk: 'c', data: new Uint8Array([1]) },
    { pk: 'q', sk: 'd', data: 'text' },
  ])
  await db.queuePush({ pk: 'p', data: 'a message' })
  await db.getLock({ pk: 'p', sk: 'locked' })
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})
const page = (prefix?: string) => rows.page({ after: undefined, prefix, limit: 100 }, {})

test('only texts and bytes of items are shown, of all that was looked at', async () => {
  const found = await page()
  expect(found.rows.map(({ sk }) => sk).toSorted()).toEqual(['a', 'c', 'd'])
  expect(found.scanned).toBeGreaterThanOrEqual(6)
  expect(found).not.toHaveProperty('next')
  expect((await page('q')).rows).toEqual([{ pk: 'q', sk: 'd', data: 'text' }])
})

test('pages of the given size, one after the other, show each row once', async () => {
  const seen: string[] = []
  for (let after: { pk: string; sk: string } | undefined, i = 0; i < 20; i++) {
    const found = await rows.page({ after, prefix: undefined, limit: 2 }, {})
    expect(found.scanned).toBeLessThanOrEqual(2)
    seen.push(...found.rows.map(({ sk }) => sk))
    after = found.next
    if (!after) break
  }
  expect(seen.toSorted()).toEqual(['a', 'c', 'd'])
})

test('a row is replaced once, and not if it was changed since it was read', async () => {
  const row = { pk: 'p', sk: 'a', data: '{"n":1}' }
  expect(await rows.replace({ ...row, data: 'older' }, { n: 1 }, {})).toBe('changed')
  expect(await rows.replace(row, { n: 1 }, {})).toBe('replaced')
  expect((await db.get(row))?.data).toEqual({ n: 1 })
  expect(await rows.replace(row, { n: 1 }, {})).toBe('already')
  // A text that stands there because it was converted to one is not a candidate again.
  const text = { pk: 'p', sk: 'twice', data: '"x"' }
  await db.set(text)
  expect(await rows.replace(text, 'x', {})).toBe('replaced')
  expect((await page()).rows.map(({ sk }) => sk)).not.toContain('twice')
})

test('a message that lies where a row was read is left alone', async () => {
  const [pushed] = await db.queuePush({ pk: 'jobs', data: 'same' })
  expect(await rows.replace({ pk: 'jobs', sk: pushed!.sk, data: 'same' }, {}, {})).toBe('changed')
})
