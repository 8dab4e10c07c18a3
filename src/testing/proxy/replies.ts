import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Random } from '../random.ts'

/** A reply, of the service or in its place. */
export interface ProxyReply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

function reply(status: number, type: string, content: object): ProxyReply {
  const body = Buffer.from(JSON.stringify({ __type: type, ...content }))
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'INJECTED' },
    body,
  }
}

const dynamo = (name: string) => `com.amazonaws.dynamodb.v20120810#${name}`
const coral = (name: string) => `com.amazon.coral.service#${name}`

export const throttled = (random: Random): ProxyReply =>
  random.pick([
    () =>
      reply(400, dynamo('ProvisionedThroughputExceededException'), {
        message: 'The level of configured provisioned throughput for the table was exceeded (injected)',
      }),
    () => reply(400, dynamo('RequestLimitExceeded'), { message: 'Throughput exceeds the limit (injected)' }),
    () =>
      reply(400, 'com.amazon.coral.availability#ThrottlingException', {
        message: 'Rate exceeded (injected)',
      }),
  ])()

export const serverError = (): ProxyReply =>
  reply(500, dynamo('InternalServerError'), { message: 'Internal server error (injected)' })

export const unavailable = (): ProxyReply =>
  reply(503, coral('ServiceUnavailableException'), { message: 'The service is busy (injected)' })

export const inProgress = (): ProxyReply =>
  reply(400, dynamo('TransactionInProgressException'), {
    Message: 'The transaction with the given request token is already in progress (injected)',
  })

export const conflict = (): ProxyReply =>
  reply(400, dynamo('TransactionConflictException'), {
    message: 'Transaction is ongoing for the item (injected)',
  })

/** The reply to a cancelled transaction in which one operation was in conflict. */
export const cancelled = (operations: number, at: number): ProxyReply =>
  reply(400, dynamo('TransactionCanceledException'), {
    Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons (injected)',
    CancellationReasons: Array.from({ length: operations }, (_, i) =>
      i === at
        ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item (injected)' }
        : { Code: 'None' },
    ),
  })

export const signatureExpired = (): ProxyReply =>
  reply(400, coral('InvalidSignatureException'), { message: 'Signature expired (injected)' })

export const clockSkewed = (random: Random): ProxyReply =>
  random.pick([
    signatureExpired,
    () => reply(400, coral('RequestExpired'), { message: 'Request has expired (injected)' }),
    () => reply(403, coral('RequestTimeTooSkewed'), { message: 'The clocks differ too much (injected)' }),
  ])()

/** The reply of a batch with the part that was left undone. */
export function leftUndone(given: ProxyReply, rest: object, isWrite: boolean): ProxyReply {
  const content = JSON.parse(given.body.toString()) as object
  const undone = { [isWrite ? 'UnprocessedItems' : 'UnprocessedKeys']: rest }
  const { 'x-amz-crc32': _, ...headers } = given.headers
  return { ...given, headers, body: Buffer.from(JSON.stringify({ ...content, ...undone })) }
}

/** One byte is another, and the checksum that of the whole reply. */
export function corrupted(given: ProxyReply, random: Random): ProxyReply {
  const body = Buffer.from(given.body)
  const at = random.int(body.length)
  body[at] = body[at]! ^ (1 + random.int(127))
  return { ...given, body }
}

const headersOf = (given: ProxyReply, date: string) => ({
  ...given.headers,
  date,
  'content-length': String(given.body.length),
})

export function send(response: ServerResponse, given: ProxyReply, date: string): void {
  response.writeHead(given.status, headersOf(given, date))
  // As text it goes out in one piece with the headers.
  response.end(given.body.toString('latin1'), 'latin1')
}

/** Half of the reply, and then the end of the connection. */
export function sendHalf(response: ServerResponse, given: ProxyReply, date: string): void {
  response.writeHead(given.status, headersOf(given, date))
  response.write(given.body.subarray(0, given.body.length >> 1), () => response.destroy())
}

/** The reply twice in one go. No client can use the connection after that, so it ends. */
export function sendTwice(socket: Socket, given: ProxyReply, date: string): void {
  const lines = Object.entries(headersOf(given, date)).map(([name, value]) => `${name}: ${value}`)
  const head = `HTTP/1.1 ${given.status} OK\r\n${lines.join('\r\n')}\r\n\r\n`
  const whole = Buffer.concat([Buffer.from(head), given.body])
  socket.end(Buffer.concat([whole, whole]))
}
