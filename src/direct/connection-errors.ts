import { noteUnconnected } from '../dynamo/trail.ts'
import { BackendError } from '../errors.ts'
import type { ExchangeFailure } from './exchange-failure.ts'
import { lost, unreadable } from './reply.ts'

/** OpenSSL's and Node's codes for a certificate that is not accepted. */
const certificate =
  /^(ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERROR_IN_CERT)/

/** What to do about a request that ended without a whole reply. */
export function connectionError(operation: string, url: URL, failure: ExchangeFailure): BackendError {
  const { code, isSent, cause = failure } = failure
  if (code === 'TOO_LARGE' || code === 'NOT_HTTP') return unreadable(operation, url.host, failure.message)
  if (isSent) return lost(operation, url.host, text(failure), cause)
  if (certificate.test(code))
    return new BackendError(
      `the certificate of ${url.host} is not accepted (${code}): check endpoint, or give the CA of your proxy as 'ca' or NODE_EXTRA_CA_CERTS`,
      { cause },
    )
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return new BackendError(
      `no TLS with ${url.host} (${code}): a server without TLS needs an endpoint 'http://...'`,
      {
        cause,
      },
    )
  const error = new BackendError(`no connection to ${url.host} (${text(failure)})`, { cause })
  // The next try may find one.
  noteUnconnected(error)
  return error
}

const text = ({ code, message }: ExchangeFailure): string => (code === 'ETIMEDOUT' ? message : code)
