import { BackendError } from 'lockrow'
import { StorageFault, systemRuntime } from 'lockrow/backend'
import type { SqliteDatabase } from 'lockrow/sqlite'
import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/sqlite/turns.ts'
import { Writes } from '../../src/sqlite/writes.ts'

const coded = (code: string) => Object.assign(new Error(code), { code: `SQLITE_${code}` })

/** A connection that only remembers, and fails where it is told to. */
function world(fails: (sql: string, log: readonly string[]) => unknown = () => undefined, waitMs = 1000) {
  const log: string[] = []
  const exec = (sql: string) => {
    const error = fails(sql, log)
    log.push(error ? `${sql}: ${(error as Error).message}` : sql)
    if (error) throw error
  }
  const database = { exec, prepare: (sql: string) => ({ run: () => exec(sql) }) } as unknown as SqliteDatabase
  const runtime = { ...systemRuntime }
  const writes = new Writes(database, {
    where: 'f',
    runtime,
    turns: new Turns(),
    waitMs,
    housekeeping: (count) => log.push(`swept ${count}`),
  })
  const run = (name: string) => () => {
    log.push(name)
    return name
  }
  return { log, writes, run }
}

describe('writes', () => {
  it('that are asked for at the same time are committed together, in their order', async () => {
    const { log, writes, run } = world()
    const later = Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => writes.submit(run('c'), {}))
    const all = await Promise.all([writes.submit(run('a'), {}), writes.submit(run('b'), {}), later])
    expect(all).toEqual(['a', 'b', 'c'])
    expect(log).toEqual(['BEGIN IMMEDIATE', 'a', 'b', 'c', 'swept 3', 'COMMIT'])
    await writes.submit(run('d'), {})
    expect(log.slice(6)).toEqual(['BEGIN IMMEDIATE', 'd', 'swept 1', 'COMMIT'])
  })

  it('are answered after their commit', async () => {
    const { log, writes, run } = world()
    await writes.submit(run('a'), {}).then(() => log.push('answered'))
    expect(log.at(-2)).toBe('COMMIT')
  })

  it('that decide to write nothing do not disturb the others', async () => {
    const { log, writes, run } = world()
    const refused = writes.submit(() => {
      throw new StorageFault('invalid', 'too large')
    }, {})
    const other = writes.submit(run('b'), {})
    await expect(refused).rejects.toMatchObject({ kind: 'invalid' })
    expect(await other).toBe('b')
    expect(log).toEqual(['BEGIN IMMEDIATE', 'b', 'swept 2', 'COMMIT'])
  })

  it('of which one fails are rolled back, and then each is on its own', async () => {
    const { log, writes, run } = world()
    const failing = () => {
      log.push('a')
      throw coded('FULL')
    }
    const all = await Promise.allSettled([writes.submit(failing, {}), writes.submit(run('b'), {})])
    expect(all[0]).toMatchObject({ reason: expect.any(BackendError) })
    expect(all[1]).toMatchObject({ value: 'b' })
    expect(log).toEqual([
      'BEGIN IMMEDIATE',
      'a',
      'ROLLBACK',
      'BEGIN IMMEDIATE',
      'a',
      'ROLLBACK',
      'BEGIN IMMEDIATE',
      'b',
      'swept 1',
      'COMMIT',
    ])
  })

  it('whose commit nobody can tell are not tried again here', async () => {
    const { log, writes, run } = world((sql) => (sql === 'COMMIT' ? coded('IOERR_FSYNC') : undefined))
    const all = await Promise.allSettled([writes.submit(run('a'), {}), writes.submit(run('b'), {})])
    for (const one of all) expect(one).toMatchObject({ reason: { kind: 'unknown' } })
    expect(log.filter((line) => line === 'BEGIN IMMEDIATE')).toHaveLength(1)
  })

  it('wait for another connection, and let the program go on meanwhile', async () => {
    let locked = true
    const { log, writes, run } = world((sql) =>
      sql === 'BEGIN IMMEDIATE' && locked ? coded('BUSY') : undefined,
    )
    setTimeout(() => {
      locked = false
    }, 15)
    expect(await writes.submit(run('a'), {})).toBe('a')
    expect(log[0]).toBe('BEGIN IMMEDIATE: BUSY')
    expect(log.filter((line) => line === 'a')).toHaveLength(1)
  })

  it('are refused as not applied where it takes too long', async () => {
    const { log, writes, run } = world((sql) => (sql === 'BEGIN IMMEDIATE' ? coded('BUSY') : undefined), 10)
    await expect(writes.submit(run('a'), {})).rejects.toMatchObject({ kind: 'throttled' })
    expect(log).not.toContain('a')
    await writes.idle()
  })

  it('are not sent where their caller has gone, or their token is too old', async () => {
    const { log, writes, run } = world()
    const gone = AbortSignal.abort(new Error('gone'))
    const old = () => {
      throw new StorageFault('mismatch', 'old')
    }
    const all = await Promise.allSettled([
      writes.submit(run('a'), { signal: gone }),
      writes.submit(run('b'), { beforeSending: old }),
      writes.submit(run('c'), {}),
    ])
    expect(all.map((one) => (one.status === 'rejected' ? one.reason.message : one.value))).toEqual([
      'gone',
      'old',
      'c',
    ])
    expect(log).toEqual(['BEGIN IMMEDIATE', 'c', 'swept 2', 'COMMIT'])
  })

  it('of a connection that is broken end, each with an error that says so', async () => {
    const { writes, run } = world((sql) => (sql === 'BEGIN IMMEDIATE' ? coded('NOTADB') : undefined))
    const all = await Promise.allSettled([writes.submit(run('a'), {}), writes.submit(run('b'), {})])
    for (const one of all) expect(one).toMatchObject({ reason: expect.any(BackendError) })
  })

  it('go in groups, so that others have their turn', async () => {
    const { log, writes, run } = world()
    await Promise.all(Array.from({ length: 300 }, () => writes.submit(run('a'), {})))
    expect(log.filter((line) => line.startsWith('swept'))).toEqual(['swept 128', 'swept 128', 'swept 44'])
    await writes.idle()
  })
})
