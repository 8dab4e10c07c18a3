import type { Statement } from './connection.ts'
import type { Entry, NewRow, StoredKey } from './entries.ts'
import type { TableNames } from './names.ts'
import { inTime } from './server-clock.ts'

/** A row as it lies in the table. */
export interface VersionedRow {
  ver: string
  row: string
}

/** Values of the columns of entries, each column an array. */
const columnsOf = (entries: readonly Entry[]): unknown[] => [
  entries.map(({ key }) => key.pk),
  entries.map(({ key }) => key.sk),
  entries.map(({ expected }) => (expected === 'any' || expected === 'absent' ? null : expected)),
  entries.map(({ expected }) => expected === 'any'),
  entries.map(({ stays }) => stays === true),
  entries.map(({ row }) => row?.ver ?? null),
  entries.map(({ row }) => row?.ttl ?? null),
  entries.map(({ row }) => row?.text.length ?? null),
  entries.map(({ row }) => row?.longPk ?? null),
  entries.map(({ row }) => row?.text ?? null),
]

/** The entries as a table, numbered in their order, and the rows that are as expected, locked in that order. */
const locking = (rows: string): string => `WITH k AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[], $5::boolean[], $6::uuid[], $7::bigint[], $8::integer[], $9::text[], $10::text[])
    WITH ORDINALITY AS k(pk, sk, expected, blind, stays, ver, ttl, size, long_pk, row, n)
), locked AS MATERIALIZED (
  SELECT k.* FROM k CROSS JOIN LATERAL (
    SELECT FROM ${rows} t WHERE t.pk = k.pk AND t.sk = k.sk AND (k.blind OR t.ver = k.expected) FOR UPDATE
  ) AS t
)`

const written = (rows: string, time: string, also = ''): string => `updated AS (
  UPDATE ${rows} t SET ver = l.ver, ttl = l.ttl, size = l.size, row = l.row
  FROM locked l${also} WHERE t.pk = l.pk AND t.sk = l.sk AND l.row IS NOT NULL RETURNING l.n, ${time}
), deleted AS (
  DELETE FROM ${rows} t USING locked l${also}
  WHERE t.pk = l.pk AND t.sk = l.sk AND l.row IS NULL AND NOT l.stays RETURNING l.n, ${time}
)`

const columns = 'pk, sk, ver, ttl, size, long_pk, row'
const values = (name: string): string =>
  columns
    .split(', ')
    .map((column) => `${name}.${column}`)
    .join(', ')

/** The statements on the rows of one table. */
export class RowStatements {
  readonly #names: TableNames
  readonly #eachText: string
  readonly #allText: string

  constructor(names: TableNames) {
    this.#names = names
    const { rows, tokens } = names
    const late = inTime('$14')
    this.#eachText = `${locking(rows)}, ${written(rows, inTime('$11'))}, inserted AS (
  INSERT INTO ${rows} (${columns}) SELECT ${values('k')} FROM k
  WHERE k.row IS NOT NULL AND k.expected IS NULL AND NOT EXISTS (SELECT FROM locked l WHERE l.n = k.n) ORDER BY k.n
  ON CONFLICT (pk, sk) DO NOTHING RETURNING ver, ${inTime('$11')}
)
SELECT n::int FROM updated UNION ALL SELECT n::int FROM deleted
UNION ALL SELECT k.n::int FROM inserted JOIN k ON k.ver = inserted.ver
UNION ALL SELECT k.n::int FROM k WHERE k.blind AND k.row IS NULL AND NOT EXISTS (SELECT FROM locked l WHERE l.n = k.n)`
    this.#allText = `${locking(rows)}, ok AS MATERIALIZED (
  SELECT 1 WHERE (SELECT count(*) FROM locked WHERE NOT blind) = (SELECT count(*) FROM k WHERE expected IS NOT NULL)
  AND NOT EXISTS (
    SELECT FROM k CROSS JOIN LATERAL (SELECT FROM ${rows} t WHERE t.pk = k.pk AND t.sk = k.sk) AS t
    WHERE k.expected IS NULL AND NOT k.blind
  )
), token AS (
  INSERT INTO ${tokens} (token, outline, at) SELECT $11, $12, $13::bigint FROM ok RETURNING ${late}
), ${written(rows, late, ' CROSS JOIN ok')}, inserted AS (
  INSERT INTO ${rows} (${columns}) SELECT ${values('k')} FROM k CROSS JOIN ok
  WHERE k.row IS NOT NULL AND k.expected IS NULL AND NOT k.blind ORDER BY k.n RETURNING ${late}
), replaced AS (
  INSERT INTO ${rows} AS t (${columns}) SELECT ${values('k')} FROM k CROSS JOIN ok
  WHERE k.row IS NOT NULL AND k.blind AND NOT EXISTS (SELECT FROM locked l WHERE l.n = k.n) ORDER BY k.n
  ON CONFLICT (pk, sk) DO UPDATE SET ver = excluded.ver, ttl = excluded.ttl, size = excluded.size, row = excluded.row RETURNING ${late}
)
SELECT FROM ok`
  }

  /** One row; nothing where there is none. */
  get({ pk, sk }: StoredKey): Statement {
    return { text: `SELECT ver, row FROM ${this.#names.rows} WHERE pk = $1 AND sk = $2`, values: [pk, sk] }
  }

  /** A row of the answer for each key, in their order, as of one moment; `outline` is that of the token, if it is known. */
  getMany(keys: readonly StoredKey[], token: string | null = null): Statement {
    const { rows, tokens } = this.#names
    const outline =
      token === null
        ? ''
        : `, (SELECT outline FROM ${tokens} WHERE token = $3), (SELECT at::float8 FROM ${tokens} WHERE token = $3)`
    return {
      text: `SELECT t.ver, t.row${outline} FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(pk, sk, n)
  LEFT JOIN LATERAL (SELECT ver, row FROM ${rows} t WHERE t.pk = k.pk AND t.sk = k.sk) AS t ON true ORDER BY k.n`,
      values: [keys.map(({ pk }) => pk), keys.map(({ sk }) => sk), ...(token === null ? [] : [token])],
    }
  }

  /** Writes the entries that are as expected, each for itself. Returns their numbers, from 1 on. */
  each(entries: readonly Entry[]): Statement {
    return { text: this.#eachText, values: columnsOf(entries), isTimed: true }
  }

  /** One entry. It was written if a row is affected; a blind deletion is always done. */
  one(entry: Entry): Statement {
    const { rows } = this.#names
    const { key, expected, row } = entry
    if (!row) {
      const values = expected === 'any' ? [key.pk, key.sk] : [key.pk, key.sk, expected]
      return {
        text: `DELETE FROM ${rows} WHERE pk = $1 AND sk = $2${expected === 'any' ? '' : ' AND ver = $3'} RETURNING ${inTime(`$${values.length + 1}`)}`,
        values,
        isTimed: true,
      }
    }
    if (expected === 'absent' || expected === 'any') return this.#insert(key, row, expected === 'any')
    return {
      text: `UPDATE ${rows} SET ver = $4, ttl = $5, size = $6, row = $7 WHERE pk = $1 AND sk = $2 AND ver = $3 RETURNING ${inTime('$8')}`,
      isTimed: true,
      values: [key.pk, key.sk, expected, row.ver, row.ttl, row.text.length, row.text],
    }
  }

  #insert({ pk, sk }: StoredKey, { ver, ttl, text, longPk }: NewRow, isBlind: boolean): Statement {
    return {
      text: `INSERT INTO ${this.#names.rows} (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pk, sk) DO ${
        isBlind
          ? 'UPDATE SET ver = excluded.ver, ttl = excluded.ttl, size = excluded.size, row = excluded.row'
          : 'NOTHING'
      } RETURNING ${inTime('$8')}`,
      isTimed: true,
      values: [pk, sk, ver, ttl, text.length, longPk, text],
    }
  }

  /** Writes all entries and the token, or nothing. A row is returned if all was as expected. */
  all(entries: readonly Entry[], token: string, outline: string, at: number): Statement {
    return { text: this.#allText, values: [...columnsOf(entries), token, outline, at], isTimed: true }
  }

  /** Takes a token without writing anything else. A row is affected if it was free. */
  takeToken(token: string, outline: string, at: number): Statement {
    return {
      text: `INSERT INTO ${this.#names.tokens} (token, outline, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${inTime('$4')}`,
      isTimed: true,
      values: [token, outline, at],
    }
  }

  /** Drops a token that is too old to count. */
  dropToken(token: string, before: number): Statement {
    return {
      text: `DELETE FROM ${this.#names.tokens} WHERE token = $1 AND at <= $2`,
      values: [token, before],
    }
  }

  /** Frees some rows that expired before a time, epoch seconds. Those that somebody writes are left for later. */
  sweepRows(before: number, most: number): Statement {
    const { rows } = this.#names
    return {
      text: `DELETE FROM ${rows} WHERE (pk, sk) IN (
  SELECT pk, sk FROM ${rows} WHERE ttl <= $1 ORDER BY ttl LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      values: [before, most],
    }
  }

  /** Drops some tokens from before a time, epoch ms. */
  sweepTokens(before: number, most: number): Statement {
    const { tokens } = this.#names
    return {
      text: `DELETE FROM ${tokens} WHERE token IN (SELECT token FROM ${tokens} WHERE at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      values: [before, most],
    }
  }
}
