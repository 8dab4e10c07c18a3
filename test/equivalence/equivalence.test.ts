import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { directClient } from 'lockrow/direct'
import { injectFaults } from 'lockrow/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { agree, met, seed } from './agree.ts'
import { histories } from './histories.ts'

/**
 * The same random operations, good and bad, on the twin and on DynamoDB Local, with one clock: every result and every
 * error must be the same. `EQUIVALENCE_RUNS=1000 npx vitest run test/equivalence` for a long run; a failure prints
 * its seed, `EQUIVALENCE_SEED` repeats it.
 */
const runs = Number(process.env.EQUIVALENCE_RUNS ?? 400)

let client: DynamoDBClient
let table: string
beforeAll(async () => {
  client = localClient(inject('dynamoEndpoint'))
  table = await freshTable(client, 'equivalence')
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})

it(`the twin and DynamoDB Local agree on ${runs} random histories`, { timeout: 3_600_000 }, async () => {
  await agree(histories, runs, { client, table })
  if (process.env.EQUIVALENCE_RUNS)
    console.log(
      [...met]
        .sort()
        .map(([kind, count]) => `${kind}: ${count}`)
        .join('\n'),
    )
  // A history in which nothing happens would agree as well.
  for (const kind of [
    'update ok',
    'update not applied',
    'update InvalidInput',
    'transact ok',
    'transact RaceCondition',
    'transact ConditionFailed',
    'setAtomic ok',
    'queuePull ok',
    'page ok',
    'count ok',
    'query InvalidInput',
    'deleteRange ok',
    'getTogether ok',
    'set returnOld ok',
    'delete returnOld ok',
  ])
    expect(met.get(kind), kind).toBeGreaterThan(0)
})

it('they agree without the SDK', { timeout: 3_600_000 }, async () => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const direct = directClient({ endpoint: inject('dynamoEndpoint'), region: 'local', credentials })
  await agree(histories, Math.ceil(runs / 8), { client, direct, table })
  direct.destroy()
})

it('they agree when requests are refused, in conflict or done in part: retries are not seen', {
  timeout: 3_600_000,
}, async () => {
  const faulty = localClient(inject('dynamoEndpoint'), { maxAttempts: 1 })
  const rates = { throttle: 0.1, conflict: 0.1, partialBatch: 0.3 }
  const injection = injectFaults(faulty, { seed: seed ?? 1, rates, log: () => {} })
  await agree(histories, Math.ceil(runs / 4), {
    client: faulty,
    table,
    retry: { baseMs: 1, maxMs: 5, attempts: 20 },
  })
  expect(injection.counts.throttle).toBeGreaterThan(10)
  faulty.destroy()
})
