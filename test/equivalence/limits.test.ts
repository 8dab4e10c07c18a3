import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { agree, met } from './agree.ts'
import { limitSteps } from './limit-steps.ts'

/**
 * What lies close to a limit has the same answer, or the same error, on the twin and on DynamoDB Local.
 * `LIMIT_RUNS=1000 npx vitest run test/equivalence/limits.test.ts` for a long run; a failure prints its seed,
 * `EQUIVALENCE_SEED` repeats it.
 */
const runs = Number(process.env.LIMIT_RUNS ?? 40)

let client: DynamoDBClient
let table: string
beforeAll(async () => {
  client = localClient(inject('dynamoEndpoint'))
  table = await freshTable(client, 'limits')
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})

describe('the twin and DynamoDB Local agree close to the limits of', () => {
  it.each(Object.entries(limitSteps))('%s', { timeout: 3_600_000 }, async (_, steps) => {
    met.clear()
    const histories = fc.array(
      steps.map((step) => ({ step, wait: 0 })),
      { minLength: 1, maxLength: 3 },
    )
    await agree(histories, runs, { client, table })
    // Both sides of the limits were met.
    const outcomes = new Set(
      [...met.keys()].map((kind) => (kind.endsWith(' ok') ? 'ok' : kind.split(' ').at(-1))),
    )
    expect(outcomes).toContain('ok')
    expect(outcomes).toContain('InvalidInput')
  })
})
