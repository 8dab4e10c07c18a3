import { expect, inject, test } from 'vitest'
import { crashBank } from './bank.ts'

test('processes killed with SIGKILL at random neither make nor lose money', async () => {
  const result = await crashBank({ endpoint: inject('dynamoEndpoint'), seed: 1, seconds: 6, workers: 3 })
  console.log(result)
  expect(result.kills).toBeGreaterThan(0)
  expect(result.operations).toBeGreaterThan(0)
  expect(result).toMatchObject({ total: result.expected, negative: 0 })
}, 60_000)
