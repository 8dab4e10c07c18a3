import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AtomicDbItemKey, atomic, BackendError, InvalidInput, Mutex, Throttled } from 'lockrow'
import { scanRows } from 'lockrow/backend'
import {
  AtomicSqliteDb,
  type AtomicSqliteDbOptions,
  type SqliteDatabase,
  type SqliteDriver,
} from 'lockrow/sqlite'
import { TestRuntime } from 'lockrow/testing'
import { afterAll, expect, it } from 'vitest'
import { onEachSqlite } from '../stores/drivers.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockrow-sqlite-'))
const key = { pk: 'p', sk: 's' }
const item = { ...key, data: { n: 1 } }
let files = 0
const freshPath = () => join(folder, `${files++}.db`)

onEachSqlite((name, driver) => {
  const opened: AtomicSqliteDb[] = []
  afterAll(() => Promise.all(opened.map((db) => db.close())))
  function open(path: string, options: AtomicSqliteDbOptions = {}): AtomicSqliteDb {
    const db = new AtomicSqliteDb(path, { driver, retry: { attempts: 1 }, ...options })
    opened.push(db)
    return db
  }
  /** The same file, past lockrow. */
  function bare<T>(path: string, work: (database: SqliteDatabase) => T): T {
    const database = new driver(path)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  const readOnly = class {
    constructor(path: string) {
      // biome-ignore lint/correctness/noConstructorReturn: a driver with an option set
      return Reflect.construct(driver, [
        path,
        name === 'node:sqlite' ? { readOnly: true } : { readonly: true },
      ])
    }
  } as unknown as SqliteDriver

  const failure = (call: Promise<unknown>): Promise<Error> =>
    call.then(
      () => new Error('it did not fail'),
      (error) => error,
    )

  it('keeps rows in the file, and is read by the next one', async () => {
    const path = freshPath()
    const first = open(path)
    const data = { n: 12345678901234567890n, set: new Set(['a']), bytes: Uint8Array.of(1), text: '\0é😀' }
    await first.set({ ...key, data, ttl: 4_000_000_000 })
    await first.queuePush({ pk: 'q', data: 'job' })
    await first.close()
    const second = open(path)
    expect(await second.get(key)).toEqual({ ...key, data, ttl: 4_000_000_000 })
    expect((await second.queuePull({ pk: 'q' })).item?.data).toBe('job')
  })

  it('keeps several databases in one file, and takes one that is open', async () => {
    const path = freshPath()
    const connection = new driver(path)
    const [a, b] = [new AtomicSqliteDb(connection), new AtomicSqliteDb(connection, { table: 'other' })]
    await a.set(item)
    expect(await b.get(key)).toBeUndefined()
    await a.close()
    await b.set(item)
    expect(connection.prepare('SELECT count(*) AS n FROM other').get()).toMatchObject({ n: 1 })
    connection.close()
    expect(await failure(b.get(key))).toBeInstanceOf(BackendError)
  })

  it('does not mix with a transaction of yours', async () => {
    const connection = new driver(':memory:')
    const db = new AtomicSqliteDb(connection)
    await db.set(item)
    connection.exec('BEGIN')
    const error = await failure(db.set({ ...key, data: 2 }))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/connection of its own/)
    connection.exec('ROLLBACK')
    expect(await db.get(key)).toEqual(item)
  })

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'a file that is no database',
      (path) => writeFileSync(path, 'a,b\n1,2\n'.repeat(500)),
      /not a SQLite database/,
    ],
    ['a folder', (path) => mkdirSync(path), /cannot be opened/],
    [
      'a schema of a later version',
      (path) =>
        bare(path, (db) =>
          db.exec(
            'CREATE TABLE lockrow (pk); CREATE TABLE lockrow_meta (format INTEGER); INSERT INTO lockrow_meta VALUES (7)',
          ),
        ),
      /format 7, this version of lockrow knows 1/,
    ],
    [
      'a table of another program',
      (path) => bare(path, (db) => db.exec('CREATE TABLE LockRow (id)')),
      /option 'table'/,
    ],
    [
      'a database in UTF-16',
      (path) => bare(path, (db) => db.exec("PRAGMA encoding = 'UTF-16'; CREATE TABLE x (y)")),
      /UTF-8/,
    ],
  ])('refuses %s, each time, and leaves it as it is', async (_, make, text) => {
    const path = freshPath()
    make(path)
    const db = open(path)
    for (const call of [() => db.get(key), () => db.set(item), () => atomic(db).set(item).commit()]) {
      const error = await failure(call())
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(text)
      expect(error.message).toContain(path)
    }
  })

  it('works when the folder that was missing is made', async () => {
    const path = join(folder, `new-${files++}`, 'rows.db')
    const db = open(path)
    const error = await failure(db.set(item))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/folder/)
    mkdirSync(join(path, '..'))
    await db.set(item)
    expect(await db.get(key)).toEqual(item)
  })

  it('reads a file that is read-only, and refuses to write', async () => {
    const path = freshPath()
    const writer = open(path)
    await writer.set(item)
    const db = open(path, { driver: readOnly })
    expect(await db.get(key)).toEqual(item)
    for (const call of [
      () => db.set({ ...key, data: 2 }),
      () => db.delete(key),
      () => db.queuePush({ pk: 'q', data: 1 }),
    ]) {
      const error = await failure(call())
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(/read-only/)
    }
    expect(await db.get(key)).toEqual(item)
  })

  it('writes nothing where there is no room, all that fits, and goes on when there is room', async () => {
    const connection = new driver(freshPath())
    connection.exec('PRAGMA journal_mode = wal')
    const db = new AtomicSqliteDb(connection)
    const large = (sk: string) => ({ pk: 'p', sk, data: 'x'.repeat(100_000) })
    await db.set(large('a'))
    const { page_count: pages } = connection.prepare('PRAGMA page_count').get() as { page_count: number }
    connection.exec(`PRAGMA max_page_count = ${pages + 30}`)
    const lock = await db.getLock({ pk: 'p', sk: 'one#lock' })
    const error = await failure(db.setAtomic([large('b'), large('c')], lock))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/max_page_count.*Nothing was written/)
    expect((await db.getMany([large('b'), large('c')])).filter(Boolean)).toEqual([])
    // Each is its own: what does not fit takes nothing else with it.
    const both = await Promise.allSettled([db.set([large('b'), large('c')]), db.set(item)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(await db.get(large('b'))).toBeUndefined()
    connection.exec('PRAGMA max_page_count = 100000')
    await db.setAtomic([large('b'), large('c')], lock)
    expect(await db.get(large('c'))).toEqual(large('c'))
    connection.close()
  })

  it('is Throttled while another connection holds the lock, and reads go on', async () => {
    const path = freshPath()
    const db = open(path, { lockWaitMs: 30, retry: { attempts: 2, baseMs: 1 } })
    await db.set(item)
    const other = new driver(path)
    other.exec('BEGIN IMMEDIATE')
    expect(await failure(db.set({ ...key, data: 2 }))).toBeInstanceOf(Throttled)
    expect(
      await failure(
        atomic(db)
          .set({ ...key, data: 2 })
          .commit(),
      ),
    ).toBeInstanceOf(Throttled)
    expect(await db.get(key)).toEqual(item)
    const waiting = db
      .set({ ...key, data: 3 }, { timeoutMs: 60_000 })
      .catch(() => db.set({ ...key, data: 3 }))
    other.exec('COMMIT')
    other.close()
    await waiting
    expect(await db.get(key)).toEqual({ ...key, data: 3 })
  })

  it('frees rows an hour after they expired, and the tokens of old transactions', async () => {
    const path = freshPath()
    const runtime = new TestRuntime()
    const db = open(path, { runtime })
    const now = Math.floor(runtime.now() / 1000)
    await db.set(
      Array.from({ length: 150 }, (_, i) => ({
        pk: 'p',
        sk: `${i}`,
        data: i,
        ttl: now + 10 + (i % 2) * 100_000,
      })),
    )
    await atomic(db).set(item).commit()
    const count = (table: string) =>
      bare(path, (file) => (file.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n)
    expect([count('lockrow'), count('lockrow_tokens')]).toEqual([151, 1])
    const write = async () => {
      for (let i = 0; i < 64; i++) await db.set({ ...item, sk: 'again' })
    }
    runtime.advance(3600_000)
    await write()
    expect(await db.get({ pk: 'p', sk: '0' })).toBeUndefined()
    expect([count('lockrow'), count('lockrow_tokens')]).toEqual([152, 0])
    runtime.advance(20_000)
    await write()
    expect(count('lockrow')).toBe(152 - 75)
  })

  it('answers a transaction that is sent again by its token, from another process too', async () => {
    const path = freshPath()
    const { SqliteStorage } = await import('../../src/sqlite/storage.ts')
    const runtime = new TestRuntime()
    const storage = () =>
      new SqliteStorage({ source: path, table: 'lockrow', driver, synchronous: 'off', waitMs: 100, runtime })
    const [a, b] = [storage(), storage()]
    const put = { op: 'put', row: item, guard: { op: 'absent', path: ['pk'] } } as const
    expect(await a.transact([put], 't', {})).toEqual([])
    expect(await b.transact([put], 't', {})).toEqual([])
    expect(await b.transact([put], 'other', {})).toEqual([{ index: 0, row: item }])
    await expect(b.transact([{ op: 'delete', key }], 't', {})).rejects.toMatchObject({ kind: 'mismatch' })
    runtime.advance(601_000)
    expect(await b.transact([put], 't', {})).toEqual([{ index: 0, row: item }])
    await Promise.all([a.close(), b.close()])
  })

  it('is scanned by pages of a megabyte at most, whole and in segments', async () => {
    const db = open(':memory:')
    const items = Array.from({ length: 30 }, (_, i) => ({
      pk: `p\0${i % 7}`,
      sk: `s${i}`,
      data: 'x'.repeat(200_000),
    }))
    await db.set(items)
    const names = items.map(({ pk, sk }) => pk + sk).sort()
    for (const segments of [1, 3]) {
      const found: string[] = []
      for (let segment = 0; segment < segments; segment++) {
        let after: AtomicDbItemKey | undefined
        do {
          const page = await scanRows(db, { segment, segments, after })
          expect(page.scanned).toBeLessThanOrEqual(6)
          found.push(...page.rows.map(({ pk, sk }) => pk + sk))
          after = page.next
        } while (after)
      }
      expect(found.sort()).toEqual(names)
    }
  })

  it('ends what is under way when it is closed, and nothing works afterwards', async () => {
    const path = freshPath()
    const db = open(path)
    await db.set(item)
    const writes = Promise.all(Array.from({ length: 20 }, (_, i) => db.set({ pk: 'w', sk: `${i}`, data: i })))
    await Promise.resolve()
    await Promise.resolve()
    const closed = db.close()
    await writes.catch(() => undefined)
    await closed
    await db.close()
    expect(await failure(db.get(key))).toMatchObject({ message: 'this database was closed' })
    expect(await open(path).get(key)).toEqual(item)
  })

  it('lets timers have their turn while it is called in a loop', async () => {
    const db = open(':memory:')
    let fired = 0
    const timer = setInterval(() => fired++, 1)
    const until = performance.now() + 100
    for (let i = 0; performance.now() < until; i++) await (i % 2 ? db.get(key) : db.set(item))
    clearInterval(timer)
    expect(fired).toBeGreaterThan(2)
  })

  it('has leases that count for every client', async () => {
    const path = freshPath()
    const [a, b] = [open(path), open(path)]
    const lease = await new Mutex(a, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).acquire()
    expect(await new Mutex(b, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).tryAcquire()).toBeUndefined()
    await lease.release()
    const next = await new Mutex(b, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).acquire()
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  })
})

it('refuses what is no path, no database and no option, before anything is opened', () => {
  const bad: [unknown, unknown?][] = [
    [''],
    ['a\0b'],
    [undefined],
    [null],
    [42],
    [{}],
    ['f', { table: 'a b' }],
    ['f', { table: '1a' }],
    ['f', { table: 'x'.repeat(64) }],
    ['f', { synchronous: 'extra' }],
    ['f', { lockWaitMs: -1 }],
    ['f', { driver: 'better-sqlite3' }],
    ['f', { timeout: 5 }],
    ['f', { wal: true }],
  ]
  for (const [source, options] of bad)
    expect(() => new AtomicSqliteDb(source as string, options as never), String(source)).toThrow(InvalidInput)
  expect(() => new AtomicSqliteDb('f', { driver: 'node:sqlite' } as never)).toThrow(/DatabaseSync/)
  expect(() => new AtomicSqliteDb('f', { timeout: 5 } as never)).toThrow(/lockWaitMs/)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))
