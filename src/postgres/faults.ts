import { AtomicDbError, BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'
import { tooLate } from './server-clock.ts'

/**
 * Which error is which fault. Codes are SQLSTATEs, see https://www.postgresql.org/docs/current/errcodes-appendix.html.
 *
 * | error | meaning | fault |
 * |---|---|---|
 * | while connecting, but for rights and names | nothing was sent | `unreachable` |
 * | severity ERROR | the server has rolled the statement back | by its code |
 * | 40001, 40P01, 23505 | another transaction was faster | `conflict` |
 * | 55P03, 57014, 53200, 53400 | a lock or time was not to be had | `throttled` |
 * | 57P03, 53300 | no connection was to be had | `unreachable` |
 * | 22012 | it came too late, see `inTime` | `throttled` |
 * | 22xxx, 54xxx | the content does not fit | `invalid` |
 * | severity FATAL or PANIC, or an error of the socket, after sending | the commit may have happened | `unknown` |
 */

/** How far a request came: whether anything of it had been sent. */
export type Phase = 'connecting' | 'sent'

interface DriverError extends Error {
  code?: unknown
  severity?: unknown
  routine?: unknown
  detail?: unknown
  constraint?: unknown
}

/** The SQLSTATE of an error that the server has sent; empty for others. */
export function sqlState(error: unknown): string {
  const { code, severity } = (error ?? {}) as DriverError
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && typeof severity === 'string' ? code : ''
}

const conflicts = new Set(['40001', '40P01', '23505'])
const shortages = new Set(['55P03', '57014', '53200', '53400'])
/** What a new connection may well do better: starting up or shutting down, no room, a proxy without a server. */
const unavailable = /^(57P0\d|53300|08\w{3}|58000)$/

/** The error in the engine's terms. */
export function toFault(error: unknown, where: string, phase: Phase): unknown {
  if (error instanceof StorageFault || error instanceof AtomicDbError) return error
  const code = sqlState(error)
  const { message = String(error), severity } = (error ?? {}) as DriverError
  if (code === '') return offline(error, message, where, phase)
  if (phase === 'sent' && isFatal(code, severity))
    return new StorageFault('unknown', `${code} ${message}`, error)
  if (unavailable.test(code)) return new StorageFault('unreachable', `${code} ${message}`, error)
  if (conflicts.has(code)) return new StorageFault('conflict', `${code} ${message}`, error)
  if (shortages.has(code)) return new StorageFault('throttled', `${code} ${message}`, error)
  if (code === tooLate)
    return new StorageFault('throttled', 'it waited for too long, and nothing was written', error)
  if (/^(22|54)/.test(code)) return new StorageFault('invalid', message, error)
  return new BackendError(advice(code, message, where), { cause: error })
}

/** Whether the connection ends with it. Servers say the severity in their own language. */
const isFatal = (code: string, severity: unknown): boolean =>
  severity === 'FATAL' ||
  severity === 'PANIC' ||
  (severity !== 'ERROR' && /^(57P0\d|25P0[34]|08|58|XX)/.test(code))

/** Errors of sockets and of the driver. */
function offline(error: unknown, message: string, where: string, phase: Phase): unknown {
  if (!(error instanceof Error)) return error
  if (/pool after calling end|Client was closed/.test(message))
    return new BackendError(`the pool of ${where} was ended`, { cause: error })
  if (/SASL|password must be|SSL connections|self.signed certificate|certificate/i.test(message))
    return new BackendError(`no connection to ${where}: ${message}`, { cause: error })
  // The driver has refused it: the connection was known to be broken.
  const isUnsent = phase === 'connecting' || /not queryable/.test(message)
  return new StorageFault(isUnsent ? 'unreachable' : 'unknown', message, error)
}

function advice(code: string, message: string, where: string): string {
  switch (code) {
    case '3F000':
      return `there is no schema for ${where} (${message}): make it with CREATE SCHEMA, then the table with createTable`
    case '42P01':
      return `there is no ${where} (${message}): make it with createTable, or run the statements of createTableSql in a migration`
    case '42501':
      return `not allowed on ${where} (${message}): grant SELECT, INSERT, UPDATE and DELETE on it and on the tables beside it`
    case '42703':
      return `${where} is not as this version of lockrow makes it (${message}): choose a name by the option 'table', or copy its data`
    case '28000':
    case '28P01':
    case '3D000':
      return `no connection for ${where}: ${message}`
    case '25006':
      return `${where} cannot be written here (${message}): connect to the primary server`
    case '53100':
      return `no room for ${where}: the disk of the server is full. Nothing was written`
    case '0A000':
    case '42601':
    case '42883':
      return `the server does not know what lockrow asks of it (${message}): PostgreSQL 12 or later is needed`
    default:
      return `${where}: ${code} ${message}`
  }
}
