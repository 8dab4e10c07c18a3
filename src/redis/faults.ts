import { AtomicDbError, BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'

/**
 * Which error is which fault. Servers begin their errors with a code.
 *
 * | error | meaning | fault |
 * |---|---|---|
 * | LOADING, MASTERDOWN, CLUSTERDOWN, READONLY | no primary is there yet | `unreachable` |
 * | BUSY, TRYAGAIN, NOREPLICAS | it is not to be had now | `throttled` |
 * | OOM, MISCONF, NOPERM, NOAUTH, WRONGTYPE and the rest | refused before anything was written | `BackendError` |
 * | an error of the socket or of the library, after sending | it may have been applied | `unknown` |
 */

const unavailable = /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY)\b/
const shortage = /^(BUSY|TRYAGAIN|NOREPLICAS)\b/

/** The error that a server has sent, without the words that some put around those of scripts; empty for others. */
export function serverError(error: unknown): string {
  const { message = '', name = '' } = (error ?? {}) as Error
  const isServers = name === 'ReplyError' || /^(Simple|Blob)Error$/.test(className(error))
  if (!isServers && !/^[A-Z]{3,} /.test(message)) return ''
  const inner = /@user_script: ?\d+: ?-?([A-Z]{2,} .*)$/s.exec(message)
  return inner?.[1] ?? message
}

const className = (error: unknown): string => (error as Error | undefined)?.constructor?.name ?? ''

/** The server has not the script (any more): nothing was applied. */
export const isScriptMissing = (error: unknown): boolean => serverError(error).startsWith('NOSCRIPT')

/** The error in the engine's terms. */
export function toFault(error: unknown, where: string): unknown {
  if (error instanceof StorageFault || error instanceof AtomicDbError) return error
  const message = serverError(error)
  if (message === '') return offline(error)
  if (unavailable.test(message)) return new StorageFault('unreachable', message, error)
  if (shortage.test(message)) return new StorageFault('throttled', message, error)
  return new BackendError(advice(message, where), { cause: error })
}

/** Errors of sockets and of the libraries. */
function offline(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  // The library has refused it: nothing was sent.
  const isUnsent =
    /^Client(Closed|Offline)Error$/.test(className(error)) || /isn't writeable/.test(error.message)
  return new StorageFault(isUnsent ? 'unreachable' : 'unknown', error.message, error)
}

function advice(message: string, where: string): string {
  if (/NOPERM|no permissions|user executing the script|can't access at least one/.test(message))
    return `not allowed on ${where} (${message}): allow its keys and the commands of docs/redis.md, for example ACL SETUSER name ~${where}* +@all -@dangerous -@admin`
  switch (/^[A-Z]+/.exec(message)?.[0]) {
    case 'NOAUTH':
    case 'WRONGPASS':
      return `no connection for ${where} (${message}): give the client a user and a password`
    case 'OOM':
      return `no room for ${where}: the server has reached maxmemory (${message}). Nothing was written`
    case 'MISCONF':
      return `${where} cannot be written: the server cannot save to its disk (${message}). Nothing was written`
    case 'MOVED':
    case 'ASK':
      return `the server is one of a cluster (${message}): use createCluster of redis, or Cluster of ioredis`
    case 'CROSSSLOT':
      return `keys of ${where} lie in several slots (${message}): leave the client without a key prefix that has braces`
    case 'WRONGTYPE':
      return `keys of ${where} belong to another program (${message}): choose a name by the option 'prefix'`
    default:
      return /unknown (redis )?command|syntax error/i.test(message)
        ? `the server does not know what lockrow asks of it (${message}): Redis 6.2, Valkey 7.2 or later is needed`
        : `${where}: ${message}`
  }
}
