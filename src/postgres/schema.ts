import { BackendError, InvalidInput } from '../errors.ts'
import { checkOptions } from '../model/checks.ts'
import { Connection } from './connection.ts'
import { type TableNames, tableNames, tablesOf } from './names.ts'
import type { PostgresPool } from './pool.ts'

/** The layout that this version reads and writes. */
const format = 1
/** As `server_version_num` has it. */
const oldestServer = 120_000

/** Where the rows are. */
export interface PostgresTableOptions {
  /**
   * Name of the table, perhaps with its schema (`app.lockrow`), so that several databases fit one of PostgreSQL. Two more
   * tables begin with it.
   * @default 'lockrow'
   */
  table?: string
}

export function checkTable(table: unknown): string {
  if (typeof table !== 'string' || !tableNames.test(table))
    throw new InvalidInput(
      'options.table',
      'must be letters, digits and _, begin with no digit, and have at most 55 characters; a schema may stand before it',
      { given: String(table) },
    )
  return table
}

/**
 * The statements that make the tables, for migrations. They may be run again: what is there stays.
 *
 * @throws InvalidInput for a name that cannot be.
 * @example
 * await pool.query(createTableSql({ table: 'app.lockrow' }))
 */
export function createTableSql(options: PostgresTableOptions = {}): string {
  checkOptions(options, ['table'])
  return statements(tablesOf(checkTable(options.table ?? 'lockrow')))
    .join(';\n\n')
    .concat(';\n')
}

/**
 * Makes the tables where there are none. Needs the right to create tables in the schema.
 *
 * @param pool `Pool` of `pg`.
 * @returns whether there was none.
 * @throws BackendError without the right, or where the name belongs to another program or version.
 * @example
 * await createTable(pool)
 */
export async function createTable(pool: PostgresPool, options: PostgresTableOptions = {}): Promise<boolean> {
  checkOptions(options, ['table'])
  const tables = tablesOf(checkTable(options.table ?? 'lockrow'))
  const connection = new Connection(pool, tables.shown, 60_000)
  const { rows } = await connection.run({
    text: `SELECT to_regclass($1) IS NOT NULL AS rows, to_regclass($2) IS NOT NULL AS meta`,
    values: [tables.rows, tables.meta],
  })
  const found = rows[0] as { rows: boolean; meta: boolean }
  if (found.rows && !found.meta) throw foreign(tables)
  await connection.together({}, async (send) => {
    // Two processes at once would stumble over each other's names.
    await send({ text: `SELECT pg_advisory_xact_lock(hashtext($1))`, values: [`lockrow ${tables.rows}`] })
    for (const text of statements(tables)) await send({ text, values: [] })
  })
  await checkSchema(connection, tables)
  return !found.rows
}

const foreign = ({ shown }: TableNames): BackendError =>
  new BackendError(`${shown} belongs to another program: choose a name by the option 'table'`)

/**
 * `row` has the attributes as JSON, `size` its length, `ver` is new with every write. `ttl` is for the sweep of what has
 * expired; the truth is in `row`. `long_pk` is the partition key where the index has its hash alone.
 */
function statements({ rows, tokens, meta, expiryIndex, tokensIndex }: TableNames): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${rows} (
  pk text COLLATE "C" NOT NULL,
  sk text COLLATE "C" NOT NULL,
  ver uuid NOT NULL,
  ttl bigint,
  size integer NOT NULL,
  long_pk text COLLATE "C",
  row text COLLATE "C" NOT NULL,
  PRIMARY KEY (pk, sk)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02)`,
    `CREATE INDEX IF NOT EXISTS ${expiryIndex} ON ${rows} (ttl) WHERE ttl IS NOT NULL`,
    `CREATE TABLE IF NOT EXISTS ${tokens} (
  token text COLLATE "C" PRIMARY KEY,
  outline text COLLATE "C" NOT NULL,
  at bigint NOT NULL
)`,
    `CREATE INDEX IF NOT EXISTS ${tokensIndex} ON ${tokens} (at)`,
    `CREATE TABLE IF NOT EXISTS ${meta} (format integer NOT NULL)`,
    `INSERT INTO ${meta} SELECT ${format} WHERE NOT EXISTS (SELECT FROM ${meta})`,
  ]
}

/** Refuses a server that is too old, another encoding, and tables of another version or program. */
export async function checkSchema(connection: Connection, tables: TableNames): Promise<void> {
  const { rows } = await connection.run({
    text: `SELECT current_setting('server_version_num')::int AS server, current_setting('server_encoding') AS encoding,
  to_regclass($1) IS NOT NULL AS rows, to_regclass($2) IS NOT NULL AS meta`,
    values: [tables.rows, tables.meta],
  })
  const found = rows[0] as { server: number; encoding: string; rows: boolean; meta: boolean }
  if (found.server < oldestServer)
    throw new BackendError(
      `PostgreSQL ${Math.floor(found.server / 10_000)} is too old: lockrow needs PostgreSQL 12 or later`,
    )
  if (found.encoding !== 'UTF8')
    throw new BackendError(
      `the database keeps texts in ${found.encoding}: lockrow needs one in UTF8 (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0)`,
    )
  if (!found.rows && !found.meta)
    throw new BackendError(
      `there is no ${tables.shown}: make it with createTable, or run the statements of createTableSql in a migration`,
    )
  if (!found.rows || !found.meta) throw foreign(tables)
  const meta = await connection.run({ text: `SELECT format FROM ${tables.meta}`, values: [] })
  const version = (meta.rows[0] as { format?: unknown } | undefined)?.format
  if (version !== format)
    throw new BackendError(
      `${tables.shown} has the format ${version}, this version of lockrow knows ${format}: use the version that wrote it, or copy its data`,
    )
}
