import { noteSent } from '../dynamo/trail.ts'
import { BackendError } from '../errors.ts'
import { crc32 } from './crc32.ts'
import type { RawReply } from './reply-parser.ts'
import { outputWithRows } from './row-reader.ts'
import { exceptionOf } from './service-exception.ts'

/** What replies are read with. */
export interface ReplyReader {
  /** Takes credentials out of a text. */
  readonly hide: (text: string) => string
  /** Whether `Rows` may come in place of `Items` or `Responses`. */
  readonly takesRows: boolean
}

/** The output of a request, or the error that it ended with. */
export function readReply(operation: string, host: string, reply: RawReply, reader: ReplyReader): unknown {
  const { status, headers, body } = reply
  const sum = headers['x-amz-crc32']
  if (sum !== undefined && Number(sum) !== crc32(body))
    throw lost(operation, host, 'the checksum of the reply is wrong: it was changed on its way')
  const rows = reader.takesRows && status === 200 ? outputWithRows(body) : undefined
  const content = rows ?? parsed(body)
  if (status === 200 && content !== undefined) return content
  const refused = exceptionOf(status, requestIdOf(reply), content, reader.hide)
  if (!refused) throw foreign(operation, host, reply)
  throw refused
}

export const requestIdOf = ({ headers }: RawReply): string | undefined => headers['x-amzn-requestid']

/** All of DynamoDB's replies are objects. */
function parsed(body: Buffer): object | undefined {
  try {
    const content: unknown = JSON.parse(body.toString())
    return typeof content === 'object' && content !== null && !Array.isArray(content) ? content : undefined
  } catch {
    return undefined
  }
}

const reading = /^(Get|BatchGet|TransactGet|Query|Scan|Describe|List)/

/** No whole reply. Of a write nobody knows whether it was done. */
export function lost(operation: string, host: string, problem: string, cause?: unknown): BackendError {
  const doubt = reading.test(operation) ? '' : '; it may have been done all the same'
  const error = new BackendError(`${operation}: no reply from ${host}: ${problem}${doubt}`, { cause })
  noteSent(error)
  return error
}

/** A reply that asking again does not change: final for reads. Of a write nobody knows whether it was done. */
export function unreadable(operation: string, host: string, problem: string, cause?: unknown): BackendError {
  const error = new BackendError(`${operation}: the reply of ${host} ${problem}`, { cause })
  if (!reading.test(operation)) noteSent(error)
  return error
}

/** A server or proxy that is not DynamoDB has answered. Never with its text. */
function foreign(operation: string, host: string, { status, headers }: RawReply): BackendError {
  const type = (headers['content-type'] ?? 'no type').split(';', 1)[0]!.slice(0, 60)
  const advice = `is not DynamoDB's (HTTP ${status}, ${type}): check endpoint, region and any proxy`
  // Of a gateway in trouble, or that is asked too much or too slowly: the next reply may be another.
  return status >= 500 || status === 408 || status === 429
    ? lost(operation, host, `what answered ${advice}`)
    : unreadable(operation, host, advice)
}
