import { BackendError } from 'lockrow'
import type { SqliteDatabase, SqliteDriver } from 'lockrow/sqlite'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/sqlite/driver.ts'

/** A driver that remembers who it is. */
const driver = (name: string) =>
  class {
    readonly name = name
    readonly path: string
    constructor(path: string) {
      this.path = path
    }
  } as unknown as SqliteDriver
const failing = (error: unknown) =>
  class {
    constructor() {
      throw error
    }
  } as unknown as SqliteDriver
const coded = (code: string, message = code) => Object.assign(new Error(message), { code })
const nameOf = (database: SqliteDatabase) => (database as unknown as { name: string }).name
const none = () => undefined
const loads = (driver: SqliteDriver) => async () => ({ default: driver })
const absent = async () => {
  throw coded('ERR_MODULE_NOT_FOUND')
}

describe('the driver', () => {
  it('is the one that was given', async () => {
    const database = await openDatabase('x.db', driver('given'), none, absent)
    expect(database).toMatchObject({ name: 'given', path: 'x.db' })
  })

  it('is better-sqlite3, also where Node has its own', async () => {
    const database = await openDatabase('x.db', undefined, () => driver('builtin'), loads(driver('better')))
    expect(nameOf(database)).toBe('better')
  })

  it.each([
    ['not installed', absent],
    ['without its binary', loads(failing(new Error('Could not locate the bindings file. Tried:\n -> a')))],
    ['built for another Node', loads(failing(coded('ERR_DLOPEN_FAILED')))],
  ])('is that of Node where better-sqlite3 is %s', async (_, load) => {
    expect(nameOf(await openDatabase('x.db', undefined, () => driver('builtin'), load))).toBe('builtin')
    const missing = openDatabase('x.db', undefined, none, load)
    await expect(missing).rejects.toThrow(BackendError)
    await expect(missing).rejects.toThrow(/install better-sqlite3 .*Node 22\.13/)
  })

  it('is not another one where the file is at fault', async () => {
    const error = coded('SQLITE_CANTOPEN')
    const opened = openDatabase('x.db', undefined, () => driver('builtin'), loads(failing(error)))
    await expect(opened).rejects.toBe(error)
  })
})
