import { AtomicDbError, BackendError } from '../errors.ts'
import type { ReadRow } from '../model/attribute-values.ts'
import { StorageFault } from '../storage.ts'
import { isRenewed, mayBeAfterSending, wasUnconnected } from './trail.ts'

/** Why an operation of a cancelled transaction failed; `Code` is `None` for those that did not. */
export interface CancellationReason {
  Code?: string
  Message?: string
  Item?: ReadRow
}

/** Errors of a transport: by name, since a program may hold more than one copy of the SDK. */
export interface TransportError extends Error {
  code?: string
  /** Of errors of sockets and names: what failed. */
  syscall?: string
  /** One for each address that was tried. */
  errors?: readonly unknown[]
  /** Whose fault it is, in errors that the service has sent. */
  $fault?: 'client' | 'server'
  $response?: { statusCode?: number }
  $metadata?: { httpStatusCode?: number }
  CancellationReasons?: CancellationReason[]
  /** The row that failed a condition. */
  Item?: ReadRow
}

const throttling = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
])
const conflicts = new Set(['TransactionConflictException', 'TransactionConflict'])
/** Refused for the time in its signature. The transport has corrected its clock by the reply, if that was wrong. */
const skewed = new Set([
  'InvalidSignatureException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'RequestInTheFuture',
])

/** Whether a request was refused for the time in its signature. */
export const isSkewed = ({ name }: Error): boolean => skewed.has(name)

/**
 * The error in the engine's terms, see `FaultKind`. What it cannot deal with becomes a `BackendError` that says what
 * to do: certainly not applied, so only what the service has refused, or what never left this process.
 */
export function toFault(given: unknown, table: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!(given instanceof Error) || given instanceof StorageFault) return given
  const error = given as TransportError
  const { name } = error
  if (throttling.has(name)) return new StorageFault('throttled', name, error)
  if (conflicts.has(name)) return new StorageFault('conflict', name, error)
  if (name === 'TransactionInProgressException') return new StorageFault('inProgress', name, error)
  if (name === 'IdempotentParameterMismatchException') return new StorageFault('mismatch', name, error)
  if (isSkewed(error) || isRenewed(error))
    return new StorageFault('skewed', `${name}: ${error.message}`, error)
  if (name === 'ValidationException' || name === 'ItemCollectionSizeLimitExceededException')
    return new StorageFault('invalid', error.message, error)
  if (name === 'TransactionCanceledException') return cancelled(error)
  if (error instanceof AtomicDbError) return explained(error)
  if (isUnconnected(error)) return new StorageFault('unreachable', `${codeOf(error)} at ${table}`, error)
  if (mayHaveArrived(error))
    return new StorageFault('unknown', codeOf(error) || `${name}: ${error.message}`, error)
  // Before the socket: of the source of the credentials, or of the program's own middleware.
  if (codeOf(error) !== '' || name === 'TimeoutError')
    return new StorageFault('unreachable', codeOf(error) || name, error)
  return new BackendError(advice(error, table), { cause: error })
}

/** The transport has said what to do. Final, but for a connection that can be made later, and a reply that was lost. */
function explained(error: AtomicDbError): unknown {
  const cause = error.cause ?? error
  if (wasUnconnected(error)) return new StorageFault('unreachable', error.message, cause)
  return mayBeAfterSending(error) ? new StorageFault('unknown', error.message, cause) : error
}

const codeOf = (error: TransportError): string =>
  error.code ?? (error.cause as TransportError | undefined)?.code ?? ''

/** The name was not found, or no connection was made. On a connection every error comes too late to be sure. */
function isUnconnected(error: TransportError): boolean {
  const tries = error.errors ?? [error.syscall === undefined ? (error.cause ?? error) : error]
  return (
    tries.length > 0 &&
    tries.every((one) =>
      /^(connect|getaddrinfo|query[A-Z]*\w*)$/.test((one as TransportError | null)?.syscall ?? ''),
    )
  )
}

/**
 * Anything but a refusal by the service (4xx, whole) and what was thrown before the request reached the socket: an
 * error of the program's own middleware may hide a reply.
 */
function mayHaveArrived(error: TransportError): boolean {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode
  if (status !== undefined) return status >= 500 || error.$fault !== 'client'
  return mayBeAfterSending(error)
}

function advice(error: TransportError, table: string): string {
  switch (error.name) {
    case 'ResourceNotFoundException':
      return `there is no table '${table}' in this account and region: create it with createTable or the CDK construct AtomicTable`
    case 'AccessDeniedException':
      return `not allowed on table '${table}': ${error.message}`
    case 'CredentialsProviderError':
    case 'UnrecognizedClientException':
    case 'ExpiredTokenException':
      return `no valid AWS credentials (${error.name}): log in, or set AWS_PROFILE, or give the client credentials`
    default:
      return `${error.name}: ${error.message}`
  }
}

/** A cancelled transaction without a failed condition: by the codes of its reasons, never by its text. */
function cancelled(error: TransportError): StorageFault | BackendError {
  const codes = (error.CancellationReasons ?? [])
    .map((reason) => reason.Code ?? 'None')
    .filter((code) => code !== 'None')
  const text = codes.join(', ')
  const invalid = error.CancellationReasons?.find(
    (reason) => reason.Code === 'ValidationError' || reason.Code === 'ItemCollectionSizeLimitExceeded',
  )
  // Without reasons it is for the content of the whole, as a rule for keys that the table does not have.
  if (codes.length === 0) return new StorageFault('invalid', error.message, error)
  if (invalid) return new StorageFault('invalid', invalid.Message ?? text, error)
  if (codes.some((code) => conflicts.has(code))) return new StorageFault('conflict', text, error)
  if (codes.some((code) => throttling.has(code))) return new StorageFault('throttled', text, error)
  return new BackendError(`the transaction was cancelled: ${text || error.message}`, { cause: error })
}
