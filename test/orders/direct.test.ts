import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import { openDb } from '../../examples/orders/db-direct.ts'
import { readHandler } from '../../examples/orders/read.ts'
import { scenario } from '../../examples/orders/run/scenario.ts'
import { OUTBOX } from '../../examples/orders/shop.ts'
import { workerHandler } from '../../examples/orders/worker.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const admin = localClient(inject('dynamoEndpoint'))
let table: string
beforeAll(async () => {
  table = await freshTable(admin, 'orders-direct')
  vi.stubEnv('TABLE_NAME', table)
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', inject('dynamoEndpoint'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await dropTable(admin, table)
  admin.destroy()
})

it('a day in the shop without the AWS SDK: the same handlers, the same checks', {
  timeout: 60_000,
}, async () => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const db = openDb()
  const handlers = {
    api: apiHandler(db),
    read: readHandler(db),
    worker: workerHandler(db, { visibilitySeconds: 1 }),
  }
  const checks = await scenario(db, handlers, {
    orders: 4,
    signal: AbortSignal.timeout(50_000),
    say: () => {},
    crash: async () => {
      await db.queuePullMany({ pk: OUTBOX, limit: 2, ttlSeconds: 1 })
    },
  })
  written.mockRestore()
  expect(checks.length).toBeGreaterThan(8)
  expect(checks.filter(({ ok }) => !ok)).toEqual([])
})
