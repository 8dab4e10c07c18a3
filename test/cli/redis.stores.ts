import { lockKey, Mutex } from 'lockrow'
import { AtomicRedisDb } from 'lockrow/redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dropPrefix, libraries, newPrefix, onRedis, redisUrl, type TestClient } from '../stores/redis.ts'
import { cli, records } from './helpers.ts'

onRedis(() => {
  const prefix = newPrefix()
  const on = (...argv: string[]) => cli(['--redis', redisUrl, '--table', prefix, ...argv])
  let held: TestClient
  beforeAll(async () => {
    held = await libraries.redis!()
  })
  afterAll(async () => {
    held.close()
    await dropPrefix(prefix)
  })

  it('needs no table, and looks at the server when one is asked for', async () => {
    expect(records(await on('--json', 'table', 'create'))).toMatchObject([{ table: prefix, created: false }])
  })

  it('shows items, locks and mutexes', async () => {
    const db = new AtomicRedisDb(held.client, { prefix })
    await db.set({ pk: 'p', sk: 's', data: { n: 1 } })
    await db.getLock(lockKey({ pk: 'p', sk: 's' }))
    await new Mutex(db, { pk: 'm', sk: 'm' }, { ttlMs: 600_000 }).acquire()
    expect(records(await on('--json', 'get', 'p', 's'))).toEqual([{ pk: 'p', sk: 's', data: { n: 1 } }])
    expect((await on('query', 'p')).out).toContain('{"n":1}')
    expect(await on('lock', 'show', 'p', 's')).toMatchObject({ code: 0, err: '' })
    expect(await on('lock', 'show', 'p', 'none')).toMatchObject({ code: 1 })
    expect((await on('mutex', 'show', 'm', 'm')).out).toContain('held')
  })

  it('pushes, lists and counts messages', async () => {
    expect((await on('queue', 'push', 'jobs', '{"a":1}')).out).toContain('pushed 1 message')
    expect(records(await on('--json', 'queue', 'peek', 'jobs'))).toMatchObject([{ data: { a: 1 } }])
    expect(records(await on('--json', 'queue', 'stats', 'jobs'))).toMatchObject([{ ready: 1 }])
  })

  it('says what is wrong, and never the password', async () => {
    expect((await on('check')).err).toContain('leave --redis out')
    const nowhere = await cli(['--redis', 'redis://app:secret@127.0.0.1:1', 'get', 'a', 'b'])
    expect(nowhere).toMatchObject({ code: 2 })
    expect(nowhere.err).toMatch(/127\.0\.0\.1:1.*--redis/)
    expect(nowhere.err).not.toContain('secret')
  })
})
