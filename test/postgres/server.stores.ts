import { type AtomicDbItemKey, absent, atomic, BackendError, InvalidInput, Mutex, Throttled } from 'lockrow'
import { scanRows } from 'lockrow/backend'
import { AtomicPostgresDb, type AtomicPostgresDbOptions, createTable, createTableSql } from 'lockrow/postgres'
import { TestRuntime } from 'lockrow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PostgresStorage } from '../../src/postgres/storage.ts'
import { asAdmin, makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'

const key = { pk: 'p', sk: 's' }
const item = { ...key, data: { n: 1 } }
const failure = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => new Error('it did not fail'),
    (error) => error,
  )

onPostgres(() => {
  let database: TestDatabase
  let pool: Pool
  let tables = 0
  beforeAll(async () => {
    database = await makeDatabase()
    pool = database.pool({ max: 10 })
  })
  afterAll(() => database.drop())
  async function fresh(options: AtomicPostgresDbOptions = {}) {
    const table = `rows_${tables++}`
    await createTable(pool, { table })
    return { table, db: new AtomicPostgresDb(pool, { table, retry: { attempts: 3, baseMs: 1 }, ...options }) }
  }
  const number = async (text: string, values: unknown[] = []) =>
    Number((await pool.query(text, values)).rows[0].n)
  const storageOf = (table: string, runtime = new TestRuntime()) =>
    new PostgresStorage({ pool, table, runtime, answerMs: 30_000 })

  it('keeps rows in the table as they were, with any key', async () => {
    const { table, db } = await fresh()
    const data = { n: 12345678901234567890n, set: new Set(['a']), bytes: Uint8Array.of(1), text: '\0é😀' }
    const pks = [
      '\0',
      '\u0001',
      'é'.repeat(1024),
      `${'x'.repeat(2047)}a`,
      `${'x'.repeat(2047)}b`,
      '\0'.repeat(2048),
    ]
    const sks = ['\0'.repeat(1024), '\u0001', `${'\u0001'.repeat(1023)}a`, 'é'.repeat(512), '😀', '\uffff']
    const items = pks.flatMap((pk) => sks.map((sk) => ({ pk, sk, data, ttl: 4_000_000_000 })))
    await db.set(items)
    const other = new AtomicPostgresDb(pool, { table })
    expect(await other.getMany(items)).toEqual(items)
    for (const pk of pks) {
      const found = (await other.query({ pk })).map(({ sk }) => sk)
      expect(found).toEqual([...sks].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }
    await other.delete(items)
    expect(await number(`SELECT count(*) AS n FROM ${table}`)).toBe(0)
  })

  it('can be read by SQL, and stands in a schema of its own', async () => {
    await pool.query('CREATE SCHEMA "App"')
    await pool.query(createTableSql({ table: 'App.rows' }))
    await createTable(pool, { table: 'App.rows' })
    const db = new AtomicPostgresDb(pool, { table: 'App.rows' })
    await db.set(item)
    const { rows } = await pool.query(`SELECT pk, sk, row::json->'data'->>'n' AS n FROM "App".rows`)
    expect(rows).toEqual([{ ...key, n: '1' }])
  })

  it('makes its tables once, by however many at the same time', async () => {
    const table = `rows_${tables++}`
    await Promise.all(Array.from({ length: 8 }, () => createTable(pool, { table })))
    expect(await number(`SELECT count(*) AS n FROM ${table}_meta`)).toBe(1)
  })

  it.each<[string, (table: string) => string, RegExp]>([
    ['no table', () => 'SELECT', /createTable/],
    ['a table of another program', (table) => `CREATE TABLE ${table} (id int)`, /option 'table'/],
    [
      'a later version',
      (table) => `${createTableSql({ table })} UPDATE ${table}_meta SET format = 7`,
      /format 7, .* knows 1/,
    ],
    [
      'a table that was changed',
      (table) => `${createTableSql({ table })} ALTER TABLE ${table} DROP COLUMN ver`,
      /option 'table'/,
    ],
  ])('refuses %s, each time, and leaves it as it is', async (what, make, text) => {
    const table = `rows_${tables++}`
    await pool.query(make(table))
    const db = new AtomicPostgresDb(pool, { table, retry: { attempts: 1 } })
    for (const call of [() => db.get(key), () => db.set(item), () => atomic(db).set(item).commit()]) {
      const error = await failure(call())
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(text)
      expect(error.message).toContain(table)
    }
    if (what === 'no table') {
      await createTable(pool, { table })
      await db.set(item)
    } else if (what !== 'a table that was changed')
      expect(await failure(createTable(pool, { table }))).toBeInstanceOf(BackendError)
  })

  it('refuses an encoding that cannot hold every text', async () => {
    const latin = await makeDatabase(`ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
    try {
      const error = await failure(createTable(latin.pool()))
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(/LATIN1.*UTF8/)
    } finally {
      await latin.drop()
    }
  })

  it('says which rights are missing, and writes nothing', async () => {
    const { table, db } = await fresh()
    await db.set(item)
    const role = `${database.name}_reader`
    await asAdmin(`CREATE ROLE ${role} LOGIN`)
    const reader = database.pool({
      connectionString: Object.assign(new URL(database.url), { username: role }).href,
    })
    try {
      await pool.query(`GRANT SELECT ON ${table}, ${table}_tokens, ${table}_meta TO ${role}`)
      const other = new AtomicPostgresDb(reader, { table, retry: { attempts: 1 } })
      expect(await other.get(key)).toEqual(item)
      for (const call of [
        () => other.set({ ...key, data: 2 }),
        () => other.update(key, { add: { n: 1 } }),
        () =>
          atomic(other)
            .set({ ...key, data: 2 })
            .commit(),
        () => createTable(reader, { table: 'new_one' }),
      ]) {
        const error = await failure(call())
        expect(error).toBeInstanceOf(BackendError)
        expect(error.message).toMatch(/permission denied/)
      }
      await pool.query(`GRANT INSERT, UPDATE, DELETE ON ${table}, ${table}_tokens TO ${role}`)
      await atomic(other)
        .update(key, { add: { n: 1 } })
        .commit()
      expect(await db.get(key)).toEqual({ ...key, data: { n: 2 } })
    } finally {
      await reader.end()
      await pool.query(`DROP OWNED BY ${role}`)
      await asAdmin(`DROP ROLE ${role}`)
    }
  })

  it('says so without a server, and says what a wrong database is', async () => {
    const { table } = await fresh()
    const nowhere = database.pool({ connectionString: 'postgres://postgres@127.0.0.1:1/x' })
    const db = new AtomicPostgresDb(nowhere, { table, retry: { attempts: 2, baseMs: 1 } })
    for (const call of [() => db.get(key), () => db.set(item), () => atomic(db).set(item).commit()]) {
      const error = await failure(call())
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toMatch(/ECONNREFUSED/)
    }
    const wrong = database.pool({
      connectionString: Object.assign(new URL(database.url), { pathname: '/not_there' }).href,
    })
    const error = await failure(new AtomicPostgresDb(wrong, { table }).get(key))
    expect(error).toBeInstanceOf(BackendError)
    expect(error.message).toMatch(/not_there/)
    const over = database.pool()
    await over.end()
    expect((await failure(new AtomicPostgresDb(over, { table }).get(key))).message).toMatch(/ended/)
  })

  it('is Throttled while somebody holds a lock of the table, where the server says how long to wait', async () => {
    const { table, db } = await fresh()
    await db.set(item)
    const hasty = database.pool({ options: '-c lock_timeout=50' })
    const other = new AtomicPostgresDb(hasty, { table, retry: { attempts: 2, baseMs: 1 } })
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(`SELECT FROM ${table} FOR UPDATE`)
    for (const call of [
      () => other.set({ ...key, data: 2 }),
      () => other.update(key, { add: { n: 1 } }),
      () =>
        atomic(other)
          .update(key, { add: { n: 1 } })
          .commit(),
    ])
      expect(await failure(call())).toBeInstanceOf(Throttled)
    expect(await other.get(key)).toEqual(item)
    await client.query('COMMIT')
    client.release()
    await other.update(key, { add: { n: 1 } })
    expect(await db.get(key)).toEqual({ ...key, data: { n: 2 } })
  })

  it('adds up what many add at once, from one process and from several', async () => {
    const { table, db } = await fresh({ retry: { attempts: 50, baseMs: 5 } })
    const others = [1, 2, 3].map(
      () => new AtomicPostgresDb(database.pool(), { table, retry: { attempts: 50, baseMs: 5 } }),
    )
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => [db, ...others][i % 4]!.update(key, { add: { n: 1 } })),
    )
    expect(await db.get(key)).toEqual({ ...key, data: { n: 200 } })
  })

  it('moves between rows in any order without a deadlock, and nothing is lost', async () => {
    const { table, db } = await fresh({ retry: { attempts: 100, baseMs: 5 } })
    const dbs = [db, new AtomicPostgresDb(database.pool(), { table, retry: { attempts: 100, baseMs: 5 } })]
    const accounts = Array.from({ length: 6 }, (_, i) => ({ pk: `a${i}`, sk: 's' }))
    await db.set(accounts.map((account) => ({ ...account, data: { n: 100 } })))
    const deadlocks = () =>
      number(`SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()`)
    const before = await deadlocks()
    await Promise.all(
      Array.from({ length: 240 }, (_, i) => {
        const [from, to] = [accounts[i % 6]!, accounts[(i * 5 + 1 + (i % 4)) % 6]!]
        if (from === to) return undefined
        return atomic(dbs[i % 2]!)
          .update(from, { add: { n: -1 } })
          .update(to, { add: { n: 1 } })
          .commit()
      }),
    )
    const sums = await db.getMany<{ n: number }>(accounts)
    expect(sums.reduce((sum, account) => sum + account!.data.n, 0)).toBe(600)
    expect((await deadlocks()) - before).toBe(0)
  })

  it('lets only one of two transactions win that rely on the absence of what the other makes', async () => {
    const { db } = await fresh()
    for (let round = 0; round < 30; round++) {
      const [a, b] = [`${round}-a`, `${round}-b`].map((sk) => ({ pk: 'skew', sk }))
      const ends = await Promise.allSettled([
        atomic(db)
          .check(b!, { if: absent })
          .set({ ...a!, data: 1 })
          .commit(),
        atomic(db)
          .check(a!, { if: absent })
          .set({ ...b!, data: 1 })
          .commit(),
      ])
      expect((await db.getMany([a!, b!])).filter(Boolean)).toHaveLength(1)
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  it('frees rows an hour after they expired, and the tokens of old transactions', async () => {
    const runtime = new TestRuntime()
    const { table, db } = await fresh({ runtime })
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
    const counts = async () => [
      await number(`SELECT count(*) AS n FROM ${table}`),
      await number(`SELECT count(*) AS n FROM ${table}_tokens`),
    ]
    expect(await counts()).toEqual([151, 1])
    const write = () => db.set(Array.from({ length: 300 }, (_, i) => ({ pk: 'w', sk: `${i}`, data: 1 })))
    const until = async (expected: number[]) => {
      for (let i = 0; i < 1000 && String(await counts()) !== String(expected); i++)
        await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await counts()).toEqual(expected)
    }
    runtime.advance(3600_000)
    await write()
    expect(await db.get({ pk: 'p', sk: '0' })).toBeUndefined()
    await until([451, 0])
    runtime.advance(20_000)
    await write()
    await until([451 - 75, 0])
  })

  it('answers a transaction that is sent again by its token, from another process too', async () => {
    const { table } = await fresh()
    const runtime = new TestRuntime()
    const [a, b] = [storageOf(table, runtime), storageOf(table, runtime)]
    const put = { op: 'put', row: item, guard: { op: 'absent', path: ['pk'] } } as const
    const check = { op: 'check', key, guard: { op: 'exists', path: ['pk'] } } as const
    expect(await a.transact([put], 't', {})).toEqual([])
    expect(await b.transact([put], 't', {})).toEqual([])
    expect(await b.transact([put], 'other', {})).toEqual([{ index: 0, row: item }])
    await expect(b.transact([{ op: 'delete', key }], 't', {})).rejects.toMatchObject({ kind: 'mismatch' })
    expect(await b.transact([check], 'check', {})).toEqual([])
    await expect(b.transact([put], 'check', {})).rejects.toMatchObject({ kind: 'mismatch' })
    runtime.advance(601_000)
    expect(await b.transact([put], 't', {})).toEqual([{ index: 0, row: item }])
  })

  it('applies a transaction once whose tries run at the same time', async () => {
    const { table } = await fresh()
    const storage = storageOf(table)
    for (let round = 0; round < 20; round++) {
      const add = {
        op: 'update',
        key: { pk: 'twice', sk: `${round}` },
        changes: [{ op: 'add', path: ['data'], value: 1 }],
      } as const
      const ends = await Promise.all([1, 2, 3].map(() => storage.transact([add], `token ${round}`, {})))
      expect(ends).toEqual([[], [], []])
      expect(await storage.read([add.key], {})).toMatchObject([{ data: 1 }])
    }
  })

  it('is read by pages of a megabyte at most, and scanned whole and in segments', async () => {
    const { table, db } = await fresh()
    const items = Array.from({ length: 60 }, (_, i) => ({
      pk: `p\0${i % 7}`,
      sk: `s${i}`,
      data: 'x'.repeat(200_000),
    }))
    await db.set(items)
    const page = await storageOf(table).page({ pk: 'p\x000', prefix: 's', limit: 100 }, {})
    expect(page.rows.length).toBeLessThanOrEqual(6)
    expect(await db.query({ pk: 'p\x000' })).toHaveLength(9)
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

  it('asks a server whose default is stricter, too', async () => {
    const { table } = await fresh()
    const strict = database.pool({ options: '-c default_transaction_isolation=serializable' })
    const db = new AtomicPostgresDb(strict, { table, retry: { attempts: 100, baseMs: 5 } })
    await db.set(item)
    await Promise.all(
      Array.from({ length: 20 }, () =>
        atomic(db)
          .update(key, { add: { n: 1 } })
          .commit(),
      ),
    )
    await Promise.all(Array.from({ length: 20 }, () => db.update(key, { add: { n: 1 } })))
    expect(await db.get(key)).toEqual({ ...key, data: { n: 41 } })
  })

  it('writes nothing that waited behind a lock for longer than its client did', async () => {
    const { table, db } = await fresh()
    await db.set([item, { ...item, sk: 'other' }])
    const late = new AtomicPostgresDb(database.pool(), {
      table,
      answerTimeoutMs: 700,
      retry: { attempts: 1 },
    })
    await late.getMany([key, { ...key, sk: 'other' }])
    // Of a connection that still knows the time.
    await late.set({ pk: 'time', sk: 's', data: 1 })
    const locks = [
      `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`,
      `SELECT FROM ${table} WHERE pk = 'p' FOR UPDATE`,
    ]
    for (const lock of locks) {
      const holder = await pool.connect()
      await holder.query('BEGIN')
      await holder.query(lock)
      const add = { add: { n: 1 } }
      const calls = [
        late.update(key, add),
        late.set([
          { ...item, data: 2 },
          { pk: 'p', sk: 'other', data: 2 },
        ]),
        late.delete({ ...key, sk: 'other' }),
        atomic(late).update(key, add).set({ pk: 'new', sk: lock, data: 1 }).commit(),
      ]
      const ends = await Promise.allSettled(calls)
      expect(ends.map(({ status }) => status)).toEqual(calls.map(() => 'rejected'))
      await holder.query('ROLLBACK')
      holder.release()
      // What still waited on the server has ended by then.
      const active = () =>
        number(`SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()
          AND state = 'active' AND pid <> pg_backend_pid()`)
      while ((await active()) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await db.getMany([key, { ...key, sk: 'other' }, { pk: 'new', sk: lock }])).toEqual([
        item,
        { ...item, sk: 'other' },
        undefined,
      ])
    }
  })

  it('leaves a caller that aborts, and what was not sent is not written', async () => {
    const { table, db } = await fresh()
    await db.set(item)
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(`SELECT FROM ${table} FOR UPDATE`)
    const small = new AtomicPostgresDb(database.pool({ max: 1 }), { table })
    const first = small.update(key, { add: { n: 1 } })
    while ((await number('SELECT count(*) AS n FROM pg_locks WHERE NOT granted')) === 0);
    const signal = AbortSignal.timeout(50)
    expect(await failure(small.get(key, { signal }))).toMatchObject({ name: 'TimeoutError' })
    expect(await failure(small.update({ pk: 'q', sk: 's' }, { add: { n: 1 } }, { signal }))).toBeInstanceOf(
      Error,
    )
    await client.query('COMMIT')
    client.release()
    await first
    expect(await small.get(key)).toEqual({ ...key, data: { n: 2 } })
    expect(await small.get({ pk: 'q', sk: 's' })).toBeUndefined()
  })

  it('has leases that count for every client', async () => {
    const { table, db: a } = await fresh()
    const b = new AtomicPostgresDb(database.pool(), { table })
    const lease = await new Mutex(a, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).acquire()
    expect(await new Mutex(b, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).tryAcquire()).toBeUndefined()
    await lease.release()
    const next = await new Mutex(b, { pk: 'm', sk: 'm' }, { ttlMs: 60_000 }).acquire()
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  })
})

it('refuses what is no pool and no option, before anything is sent', () => {
  const fine = { connect: () => Promise.reject(new Error('not called')) }
  const bad: [unknown, unknown?][] = [
    [undefined],
    [null],
    ['postgres://localhost'],
    [{}],
    [fine, { table: 'a b' }],
    [fine, { table: '1a' }],
    [fine, { table: 'a.b.c' }],
    [fine, { table: 'x'.repeat(56) }],
    [fine, { answerTimeoutMs: 0 }],
    [fine, { schema: 'app' }],
    [fine, { timeout: 5 }],
  ]
  for (const [given, options] of bad)
    expect(() => new AtomicPostgresDb(given as never, options as never), String(given)).toThrow(InvalidInput)
  expect(() => new AtomicPostgresDb(fine as never, { schema: 'app' } as never)).toThrow(/app\.lockrow/)
  expect(() => createTableSql({ table: 'a b' })).toThrow(InvalidInput)
  expect(() => createTableSql({ tables: 'a' } as never)).toThrow(InvalidInput)
  expect(createTableSql({ table: 'app.rows' })).toContain('CREATE TABLE IF NOT EXISTS "app"."rows_tokens"')
})
