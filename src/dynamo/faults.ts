import type { CancellationReason } from '@aws-sdk/client-dynamodb'
import { BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'

/** The SDK's errors by name, since a program may hold more than one copy of the SDK. */
export interface SdkError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
  CancellationReasons?: CancellationReason[]
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
const conflicts = new Set([
  'TransactionConflictException',
  'TransactionInProgressException',
  'TransactionConflict',
])
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
const lost = new Set([
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'ServiceUnavailableException',
])
const lostConnections = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ERR_HTTP2_STREAM_ERROR',
  'UND_ERR_SOCKET',
])

/** The error in the engine's terms. What it cannot deal with becomes a `BackendError` that says what to do. */
export function toFault(given: unknown, table: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!(given instanceof Error)) return given
  const error = given as SdkError
  const { name } = error
  const code = error.code ?? (error.cause as SdkError | undefined)?.code ?? ''
  if (throttling.has(name)) return new StorageFault('throttled', name, error)
  if (conflicts.has(name)) return new StorageFault('conflict', name, error)
  if (name === 'ValidationException' || name === 'ItemCollectionSizeLimitExceededException')
    return new StorageFault('invalid', error.message, error)
  if (name === 'TransactionCanceledException') return cancelled(error)
  if (neverSent.has(code)) return new StorageFault('unreachable', `${code} at ${table}`, error)
  const status = error.$metadata?.httpStatusCode ?? 0
  if (lost.has(name) || lostConnections.has(code) || status >= 500)
    return new StorageFault('unknown', code || name, error)
  return new BackendError(advice(error, table), { cause: error })
}

function advice(error: SdkError, table: string): string {
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
function cancelled(error: SdkError): StorageFault | BackendError {
  const codes = (error.CancellationReasons ?? [])
    .map((reason) => reason.Code ?? 'None')
    .filter((code) => code !== 'None')
  const text = codes.join(', ')
  const invalid = error.CancellationReasons?.find(
    (reason) => reason.Code === 'ValidationError' || reason.Code === 'ItemCollectionSizeLimitExceeded',
  )
  if (invalid) return new StorageFault('invalid', invalid.Message ?? text, error)
  if (codes.some((code) => conflicts.has(code))) return new StorageFault('conflict', text, error)
  if (codes.some((code) => throttling.has(code))) return new StorageFault('throttled', text, error)
  return new BackendError(`the transaction was cancelled: ${text || error.message}`, { cause: error })
}
