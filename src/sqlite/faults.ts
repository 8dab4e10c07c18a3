import { AtomicDbError, BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html; `node:sqlite` gives numbers. */
const names: Readonly<Record<number, string>> = {
  1: 'ERROR',
  5: 'BUSY',
  6: 'LOCKED',
  7: 'NOMEM',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  18: 'TOOBIG',
  26: 'NOTADB',
}

/** The primary result code of an error of either driver; empty for an error that is not SQLite's. */
export function resultCode(error: unknown): string {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return names[errcode & 0xff] ?? String(errcode)
  const named = typeof code === 'string' ? /^SQLITE_([A-Z]+)/.exec(code) : null
  return named ? named[1]! : ''
}

/** Another connection has the lock: nothing has begun. */
export const isBusy = (error: unknown): boolean => ['BUSY', 'LOCKED', 'PROTOCOL'].includes(resultCode(error))

/**
 * The error in the engine's terms. What failed was rolled back, so it was certainly not applied; but for a commit whose
 * last write to the disk failed: the file may show it after a restart.
 */
export function toFault(error: unknown, where: string, isCommit = false): unknown {
  if (error instanceof StorageFault || error instanceof AtomicDbError) return error
  const code = resultCode(error)
  const { message } = error as Error
  if (isBusy(error)) return new StorageFault('throttled', `${where} is locked by another connection`, error)
  if (code === 'IOERR' && isCommit) return new StorageFault('unknown', message, error)
  if (code === 'TOOBIG') return new StorageFault('invalid', message, error)
  if (code === '' && !isOfDriver(error)) return error
  return new BackendError(advice(code, message, where), { cause: error })
}

/** Errors that the drivers themselves throw, as for a connection that was closed. */
const isOfDriver = (error: unknown): boolean =>
  /database (connection )?is not open|statement has been finalized/.test(
    (error as Error | undefined)?.message ?? '',
  )

function advice(code: string, message: string, where: string): string {
  switch (code) {
    case 'FULL':
      return `no room in ${where}: the disk is full, or the file has reached max_page_count. Nothing was written`
    case 'READONLY':
      return `${where} cannot be written: it is read-only, for this user or as a file. Nothing was written`
    case 'NOTADB':
      return `${where} is not a SQLite database (or it is encrypted): give another path`
    case 'CORRUPT':
      return `${where} is damaged (${message}): restore it from a backup`
    case 'CANTOPEN':
      return `${where} cannot be opened: is its folder there, and may this user write in it?`
    case 'IOERR':
      return `${where} could not be read or written (${message}). Nothing was written`
    default:
      return /within a transaction/.test(message)
        ? `the connection to ${where} is inside of a transaction of yours: give lockrow a connection of its own`
        : `${where}: ${message}`
  }
}
