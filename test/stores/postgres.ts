import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, it } from 'vitest'
import { hasServerPrograms, pgbouncer } from './postgres-programs.ts'

/** A server for tests: `POSTGRES_URL`, or the one of this machine. */
export const serverUrl = process.env.POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

async function isThere(): Promise<boolean> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

const found = await isThere()

function only(isThere: boolean, name: string, why: string, tests: () => void): void {
  if (isThere) {
    describe(name, tests)
    return
  }
  if (process.env.CI) throw new Error(why)
  console.warn(`skipped: ${why}`)
  it.skip(why)
}

/** Tests that need a server. Without one they are skipped with a line that says why; under CI they fail. */
export const onPostgres = (tests: () => void): void =>
  only(
    found,
    'PostgreSQL',
    'no PostgreSQL: docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres, or POSTGRES_URL',
    tests,
  )

/** Tests that start and kill a server of their own; the same. */
export const onOwnPostgres = (tests: () => void): void =>
  only(
    hasServerPrograms,
    'a server of its own',
    'no programs of PostgreSQL: apt-get install postgresql',
    tests,
  )

/** Tests through PgBouncer; the same. */
export const onPgBouncer = (tests: () => void): void =>
  only(found && pgbouncer !== undefined, 'PgBouncer', 'no PgBouncer: apt-get install pgbouncer', tests)

/** A database of its own. */
export interface TestDatabase {
  readonly name: string
  readonly url: string
  pool(options?: pg.PoolConfig): pg.Pool
  /** Ends the pools and drops it. */
  drop(): Promise<void>
}

export async function makeDatabase(options = ''): Promise<TestDatabase> {
  const name = `lockrow_${randomBytes(6).toString('hex')}`
  await asAdmin(`CREATE DATABASE ${name} ${options}`)
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href
  const pools: pg.Pool[] = []
  return {
    name,
    url,
    pool(config) {
      const pool = new pg.Pool({ connectionString: url, max: 4, ...config })
      pool.on('error', () => {})
      pools.push(pool)
      return pool
    },
    async drop() {
      await Promise.all(pools.map((pool) => (pool.ended ? undefined : pool.end())))
      await asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

export async function asAdmin(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
