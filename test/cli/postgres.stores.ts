import { lockKey, Mutex } from 'lockrow'
import { AtomicPostgresDb } from 'lockrow/postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'
import { cli, records } from './helpers.ts'

onPostgres(() => {
  let database: TestDatabase
  const on = (...argv: string[]) => cli(['--postgres', database.url, ...argv])
  beforeAll(async () => {
    database = await makeDatabase()
  })
  afterAll(() => database.drop())

  it('makes the tables once, and says so', async () => {
    expect(await on('get', 'p', 's')).toMatchObject({ code: 2, err: expect.stringContaining('createTable') })
    const where = database.url.replace(/\/\/.*@/, '//')
    expect(await on('table', 'create')).toEqual({ code: 0, out: `made 'lockrow' in ${where}\n`, err: '' })
    expect(await on('table', 'create')).toMatchObject({ code: 0, out: `'lockrow' is in ${where}\n` })
    expect(records(await on('--json', '--table', 'other', 'table', 'create'))).toMatchObject([
      { table: 'other', created: true },
    ])
  })

  it('shows items, locks and mutexes', async () => {
    const db = new AtomicPostgresDb(database.pool())
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

  it('shows the console of it', async () => {
    const leave = new AbortController()
    const ran = await cli(['--postgres', database.url, 'console', '--port', '0'], {
      signal: leave.signal,
      onOut: () => leave.abort(),
    })
    expect(ran.out).toContain(`'lockrow' in postgres://`)
  })

  it('takes the address from the environment', async () => {
    const ran = await cli(['get', 'p', 's'], { env: { NO_COLOR: '1', LOCKROW_POSTGRES: database.url } })
    expect(ran).toMatchObject({ code: 0, err: '' })
  })

  it('says what is wrong, and never the password', async () => {
    expect((await on('check')).err).toContain('leave --postgres out')
    const nowhere = await cli(['--postgres', 'postgres://app:secret@127.0.0.1:1/shop', 'get', 'a', 'b'])
    expect(nowhere).toMatchObject({ code: 2 })
    expect(nowhere.err).toMatch(/127\.0\.0\.1:1\/shop.*--postgres/)
    expect(nowhere.err).not.toContain('secret')
  })
})
