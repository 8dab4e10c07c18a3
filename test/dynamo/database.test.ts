import { build } from 'esbuild'
import { Mutex, transaction } from 'lockrow'
import { AtomicDynamoDB, AtomicDynamoItems } from 'lockrow/dynamo'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const client = localClient(inject('dynamoEndpoint'))
let table: string
beforeAll(async () => {
  table = await freshTable(client, 'database')
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})

const key = { pk: 'counters', sk: 'a' }
interface Count {
  n: number
}

test('without queues: items, locks, transactions and mutexes, on the same table as the whole database', async () => {
  const items = new AtomicDynamoItems(client, table)
  await items.set({ ...key, data: { n: 1 } })
  const [found] = await items.getLocked<Count>([key])
  await items.setAtomic({ ...key, data: { n: found!.item!.data.n + 1 } }, found!.lock)
  await transaction(items, async (tx) => {
    const { data } = (await tx.get<Count>(key))!
    tx.set({ ...key, data: { n: data.n + 1 } })
  })
  expect(await new Mutex(items, { pk: 'm', sk: 'm' }, { ttlMs: 1000 }).run(() => items.count(key))).toBe(1)
  expect((await new AtomicDynamoDB(client, table).get<Count>(key))!.data).toEqual({ n: 3 })
})

test('without queues: a transaction with a push or an acknowledgement is refused, and nothing is written', async () => {
  const items = new AtomicDynamoItems(client, table)
  const other = { pk: 'counters', sk: 'refused' }
  for (const operation of [
    { type: 'queuePush', item: { pk: 'jobs', data: 1 } },
    { type: 'queueAcknowledge', item: { pk: 'jobs', sk: 'a' } },
  ] as const)
    await expect(
      items.transact([{ type: 'set', item: { ...other, data: 1 } }, operation]),
    ).rejects.toMatchObject({ code: 'InvalidInput', field: 'operations[1].type', given: operation.type })
  expect(await items.get(other)).toBeUndefined()
  expect(items).not.toHaveProperty('queuePull')
})

/** What esbuild takes of the sources, minified. */
async function bundled(name: string) {
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: `import { ${name} } from './src/dynamo/index.ts'
        export const use = (client) => new ${name}(client, 'table')`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external: ['@aws-sdk/*'],
  })
  const [{ inputs }] = Object.values(metafile.outputs) as [(typeof metafile.outputs)[string]]
  const files = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  return { bytes: outputFiles[0]!.contents.length, files: files.map(([file]) => file) }
}

test('without queues, the code of queues is not in the bundle', async () => {
  const [whole, items] = await Promise.all([bundled('AtomicDynamoDB'), bundled('AtomicDynamoItems')])
  const ofQueues = /src\/engine\/queue\/|src\/model\/(message-row|wake)/
  expect(whole.files.filter((file) => ofQueues.test(file)).length).toBeGreaterThan(10)
  expect(items.files.filter((file) => ofQueues.test(file))).toEqual([])
  expect(items.bytes).toBeLessThan(whole.bytes * 0.76)
})
