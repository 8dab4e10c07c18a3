import { BackendError, InvalidInput } from 'lockrow'
import { AtomicPostgresDb, createTable, createTableSql, type PostgresPool } from 'lockrow/postgres'
import { expect, it } from 'vitest'

/** A server that answers the question what it is, and nothing else: whatever else is asked of it is noted. */
function serverOf(server: number, encoding = 'UTF8') {
  const asked: string[] = []
  const pool: PostgresPool = {
    connect: async () => ({
      query: async ({ text }) => {
        if (!text.includes('server_version_num')) asked.push(text)
        return { rows: [{ server, encoding, rows: true, meta: true, format: 1 }], rowCount: 1 }
      },
      release: () => {},
      on: () => {},
      removeListener: () => {},
    }),
  }
  return { pool, asked }
}

const key = { pk: 'p', sk: 's' }

it.each([90_624, 100_023, 110_022])(
  'refuses a server that is too old, %i, before anything is written',
  async (server) => {
    const { pool, asked } = serverOf(server)
    const db = new AtomicPostgresDb(pool)
    for (const call of [
      () => db.get(key),
      () => db.set({ ...key, data: 1 }),
      () => db.update(key, { add: { n: 1 } }),
    ]) {
      const error = await call().then(
        () => undefined,
        (error) => error,
      )
      expect(error).toBeInstanceOf(BackendError)
      expect(error.message).toContain(
        `PostgreSQL ${Math.floor(server / 10_000)} is too old: lockrow needs PostgreSQL 12 or later`,
      )
    }
    expect(asked).toEqual([])
    await expect(createTable(pool)).rejects.toThrow('is too old')
  },
)

it('takes the oldest server that will do', async () => {
  const { pool, asked } = serverOf(120_000)
  await createTable(pool)
  expect(asked.filter((text) => text.startsWith('CREATE'))).toHaveLength(5)
})

it('refuses names that would be more than a name', () => {
  for (const table of ['', 'a b', '1a', 'a"b', 'a.b.c', 'a;b', 'x'.repeat(56)])
    expect(() => createTableSql({ table })).toThrow(InvalidInput)
  expect(createTableSql({ table: 'app.rows' })).toContain('"app"."rows_tokens"')
})
