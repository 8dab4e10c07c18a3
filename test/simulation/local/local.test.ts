import { expect, inject, test } from 'vitest'
import { runLocal } from './run.ts'

test('the same workloads on DynamoDB Local, with faults in the client', async () => {
  const seed = Math.floor(Math.random() * 1e6)
  const run = await runLocal({ endpoint: inject('dynamoEndpoint'), seed, operations: 1500 })
  console.log(`seed ${seed}: ${run.operations} operations in ${run.seconds.toFixed(1)} s`, run.faults)
  expect(run.findings, `seed ${seed}`).toEqual([])
  expect(run.operations).toBeGreaterThanOrEqual(1500)
}, 90_000)
