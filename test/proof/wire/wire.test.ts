import { expect, inject, test } from 'vitest'
import { runWire } from './run.ts'

test.each(['plain', 'rivals', 'lru'] as const)(
  'real clients through fault proxies, %s',
  async (mode) => {
    const seed = Math.floor(Math.random() * 1e6)
    const again = `npm run prove:wire -- --seed ${seed}, mode ${mode}`
    const run = await runWire({
      endpoint: inject('dynamoEndpoint'),
      seed,
      operations: 250,
      // No real waiting.
      force: { mode, speed: 300, clients: 12 },
    })
    console.log(again, run.operations, 'operations', run.requests, 'requests', run.seconds.toFixed(1), 's')
    expect(run.findings, again).toEqual([])
    expect(run.operations).toBeGreaterThanOrEqual(250)
  },
  120_000,
)
