import { BackendError, InvalidInput } from 'lockrow'
import { StorageFault } from 'lockrow/backend'
import { describe, expect, it } from 'vitest'
import { isBusy, resultCode, toFault } from '../../src/sqlite/faults.ts'

/** As better-sqlite3 has it, and as `node:sqlite` does: a code with its extension, as text or as a number. */
const named = (code: string, message = code) => Object.assign(new Error(message), { code: `SQLITE_${code}` })
const numbered = (errcode: number, message = 'text') =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })

describe('result codes', () => {
  it.each([
    [named('BUSY'), 'BUSY'],
    [named('BUSY_SNAPSHOT'), 'BUSY'],
    [named('IOERR_FSYNC'), 'IOERR'],
    [numbered(5), 'BUSY'],
    [numbered(5 | (2 << 8)), 'BUSY'],
    [numbered(13), 'FULL'],
    [numbered(26), 'NOTADB'],
    [numbered(4), '4'],
    [new Error('other'), ''],
  ])('%s: %s', (error, code) => {
    expect(resultCode(error)).toBe(code)
  })
})

describe('faults', () => {
  it.each(['BUSY', 'LOCKED', 'PROTOCOL'])('%s: certainly not applied, to be tried again', (code) => {
    expect(isBusy(named(code))).toBe(true)
    expect(toFault(named(code), 'f')).toMatchObject({ kind: 'throttled' })
    expect(toFault(named(code), 'f', true)).toMatchObject({ kind: 'throttled' })
  })

  it('a disk that fails is a doubt in a commit alone', () => {
    expect(toFault(named('IOERR_FSYNC'), 'f', true)).toMatchObject({ kind: 'unknown' })
    expect(toFault(named('IOERR_READ'), 'f')).toBeInstanceOf(BackendError)
  })

  it('a value that is too large is the caller’s', () => {
    expect(toFault(numbered(18), 'f')).toMatchObject({ kind: 'invalid' })
  })

  it.each([
    ['FULL', /no room in \/data\/f\.db: .*max_page_count.*Nothing was written/],
    ['READONLY_DBMOVED', /read-only/],
    ['NOTADB', /not a SQLite database/],
    ['CORRUPT_VTAB', /backup/],
    ['CANTOPEN', /folder/],
    ['IOERR', /could not be read or written/],
    ['ERROR', /^\/data\/f\.db: SQLITE says/],
  ])('%s says what to do', (code, text) => {
    const fault = toFault(named(code, 'SQLITE says'), '/data/f.db')
    expect(fault).toBeInstanceOf(BackendError)
    expect((fault as Error).message).toMatch(text)
    expect((fault as Error).cause).toBeInstanceOf(Error)
  })

  it('knows a connection that is in use, and one that is closed', () => {
    const within = named('ERROR', 'cannot start a transaction within a transaction')
    expect((toFault(within, 'f') as Error).message).toMatch(/connection of its own/)
    for (const text of [
      'The database connection is not open',
      'database is not open',
      'statement has been finalized',
    ])
      expect(toFault(new TypeError(text), 'f')).toBeInstanceOf(BackendError)
  })

  it('leaves alone what is none of SQLite’s', () => {
    const bug = new TypeError('undefined is not a function')
    const own = new InvalidInput('a', 'b')
    const fault = new StorageFault('conflict', 'c')
    expect([toFault(bug, 'f'), toFault(own, 'f'), toFault(fault, 'f')]).toEqual([bug, own, fault])
  })
})
