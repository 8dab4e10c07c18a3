import { Throttled } from 'lockrow'
import { TestClock } from 'lockrow/testing'
import { expect, inject, test } from 'vitest'
import { Random } from '../../../src/testing/random.ts'
import { freshTable, localClient } from '../../setup/local.ts'
import type { Finding } from '../judge.ts'
import { connect } from './connection.ts'
import type { WirePlan } from './plan.ts'
import { type CallStats, watched } from './watched.ts'
import { WriteLog } from './write-log.ts'

/** A database over a proxy all of whose reads meet throttling alone. */
async function throttledDb() {
  const endpoint = inject('dynamoEndpoint')
  const admin = localClient(endpoint)
  const table = await freshTable(admin, 'watched')
  admin.destroy()
  const clock = new TestClock({ speed: 300 })
  const plan = { mode: 'plain', rates: {}, retry: undefined, storms: 1, aborts: 0 } as unknown as WirePlan
  const log = new WriteLog()
  const connection = await connect({
    endpoint,
    table,
    name: 'c0',
    clock,
    log,
    plan,
    client: { maxAttempts: 5, signing: 'clock', offsetMs: 0 },
    seed: 1,
  })
  const findings: Finding[] = []
  const stats: CallStats = new Map()
  const found = (finding: Finding) => findings.push(finding)
  const db = watched(connection.db, { connection, plan, log, stats, random: new Random(1), found })
  return { connection, db, findings, stats }
}

const key = { pk: 'p', sk: 'a' }

test('requests that run beside a throttled call are not counted as its own', async () => {
  const { connection, db, findings, stats } = await throttledDb()
  // As what an aborted pull gives back: nobody waits for it.
  const beside = connection.db.update(key, { add: { n: 1 } }).catch((error: unknown) => error)
  await expect(db.get(key)).rejects.toThrow(Throttled)
  await beside
  expect([connection.requests() > 10, stats.get('get')?.mostThrottled, findings]).toEqual([true, 10, []])
  connection.client.destroy()
  await connection.proxy.stop()
})

test('a call that makes more requests than its budget is found, whoever repeats them', async () => {
  const { connection, db, findings } = await throttledDb()
  // Retries below the engine, as the SDK has them.
  connection.sdk!.middlewareStack.add(
    (next) => async (args) => {
      const first = await next(args).catch(() => undefined)
      return first ?? next(args)
    },
    { step: 'finalizeRequest', priority: 'high', name: 'again' },
  )
  await expect(db.get(key)).rejects.toThrow(Throttled)
  expect(findings.map(({ kind }) => kind)).toEqual(['amplified'])
  connection.client.destroy()
  await connection.proxy.stop()
})
