import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockKey, Mutex } from 'lockrow'
import { AtomicSqliteDb } from 'lockrow/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onEachSqlite } from '../stores/drivers.ts'
import { cli, records } from './helpers.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockrow-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

onEachSqlite((name) => {
  const file = join(folder, `${name.replace(':', '-')}.db`)
  const on = (...argv: string[]) => cli(['--sqlite', file, ...argv])
  beforeAll(async () => {
    expect(await on('table', 'create')).toEqual({ code: 0, out: `made 'lockrow' in ${file}\n`, err: '' })
    const db = new AtomicSqliteDb(file)
    await db.set({ pk: 'p', sk: 's', data: { n: 1 } })
    await db.getLock(lockKey({ pk: 'p', sk: 's' }))
    await new Mutex(db, { pk: 'm', sk: 'm' }, { ttlMs: 600_000 }).acquire()
    await db.close()
  })

  it('shows items, locks and mutexes of a file', async () => {
    expect(records(await on('--json', 'get', 'p', 's'))).toEqual([{ pk: 'p', sk: 's', data: { n: 1 } }])
    expect((await on('query', 'p')).out).toContain('{"n":1}')
    expect(await on('lock', 'show', 'p', 's')).toMatchObject({ code: 0, err: '' })
    expect(await on('lock', 'show', 'p', 'none')).toMatchObject({ code: 1 })
    expect((await on('mutex', 'show', 'm', 'm')).out).toContain('held')
  })

  it('pushes, lists and redrives messages', async () => {
    expect((await on('queue', 'push', 'jobs', '{"a":1}')).out).toContain('pushed 1 message')
    expect(records(await on('--json', 'queue', 'peek', 'jobs'))).toMatchObject([{ data: { a: 1 } }])
    expect(records(await on('--json', 'queue', 'stats', 'jobs'))).toMatchObject([{ ready: 1 }])
  })

  it('takes the file from the environment', async () => {
    const ran = await cli(['get', 'p', 's'], { env: { NO_COLOR: '1', LOCKROW_SQLITE: file } })
    expect(ran).toMatchObject({ code: 0, err: '' })
  })

  it('makes no file of a name that was mistyped, and says what else is wrong', async () => {
    const missing = join(folder, 'mistyped.db')
    expect((await cli(['--sqlite', missing, 'get', 'a', 'b'])).err).toContain(`there is no file ${missing}`)
    const text = join(folder, 'text.db')
    writeFileSync(text, 'no database '.repeat(100))
    expect((await cli(['--sqlite', text, 'get', 'a', 'b'])).err).toContain('is not a SQLite database')
    expect((await on('check')).err).toContain('leave --sqlite out')
    expect((await on('--region', 'eu-west-1', 'get', 'a', 'b')).err).toContain('cannot stand with')
  })
})

describe('without a driver of SQLite', () => {
  it('is told by the file alone that there is none', async () => {
    expect((await cli(['--sqlite', '/nowhere/at/all.db', 'get', 'a', 'b'])).err).toContain('there is no file')
  })
})
