/** Replies as DynamoDB's server would send them, below the SDK's own decoding, so that its real errors arise. */
export interface HttpReply {
  statusCode: number
  headers: Record<string, string>
  body: unknown
}

const encode = (content: object): Uint8Array => new TextEncoder().encode(JSON.stringify(content))

function reply(statusCode: number, type: string, content: object): HttpReply {
  return {
    statusCode,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'INJECTED' },
    body: encode({ __type: type, ...content }),
  }
}

const dynamo = (name: string) => `com.amazonaws.dynamodb.v20120810#${name}`
const coral = (name: string) => `com.amazon.coral.availability#${name}`

export const throttled = (whole: boolean): HttpReply =>
  whole
    ? reply(400, coral('ThrottlingException'), { message: 'Rate exceeded (injected)' })
    : reply(400, dynamo('ProvisionedThroughputExceededException'), {
        message: 'The level of configured provisioned throughput for the table was exceeded (injected)',
      })

export const serverError = (): HttpReply =>
  reply(500, dynamo('InternalServerError'), { message: 'Internal server error (injected)' })

export const conflict = (): HttpReply =>
  reply(400, dynamo('TransactionConflictException'), {
    message: 'Transaction is ongoing for the item (injected)',
  })

/** The reply to a cancelled transaction in which one operation was in conflict. */
export const cancelled = (operations: number, at: number): HttpReply =>
  reply(400, dynamo('TransactionCanceledException'), {
    Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons (injected)',
    CancellationReasons: Array.from({ length: operations }, (_, i) =>
      i === at
        ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item (injected)' }
        : { Code: 'None' },
    ),
  })

/** The reply with its body read, so that it can be kept and given again. */
export async function collected(given: HttpReply): Promise<HttpReply> {
  if (given.body instanceof Uint8Array) return given
  const chunks: Uint8Array[] = []
  for await (const chunk of given.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return { ...given, body: Buffer.concat(chunks) }
}

/** Lets go of a reply that nobody will read, or its connection would stay busy. */
export function discard(given: HttpReply): void {
  ;(given.body as { resume?: () => void } | undefined)?.resume?.()
}

export const lostConnection = (when: string): Error =>
  Object.assign(new Error(`socket hang up (injected ${when})`), { code: 'ECONNRESET' })
