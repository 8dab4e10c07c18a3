/** What a fault proxy does to the requests that pass through it. */
export const proxyFaults = [
  /** A write stays in the network: the caller's connection is lost, and the write arrives after a later request. */
  'late',
  /** A write that may be repeated (no condition, or a token) is delivered twice. */
  'duplicate',
  /** The reply comes twice on the same connection. */
  'replyTwice',
  /** Applied, and the connection ends without a reply. */
  'dropReply',
  /** The connection ends before the request is read. Not applied. */
  'cutBefore',
  /** The connection ends while the request is being sent. Not applied. */
  'cutDuring',
  /** Applied, and the connection ends in the middle of the reply. */
  'cutAfter',
  /** HTTP 500, before or after the request is applied. */
  'serverError',
  /** HTTP 503 with half a body, before or after the request is applied. */
  'unavailable',
  /** A throttling error, each of those that DynamoDB has. Not applied. */
  'throttle',
  /**
   * The caller's connection is lost while the service works on the transaction: `TransactionInProgressException`
   * for each further try with this token, until the transaction is done.
   */
  'inProgress',
  /** `TransactionConflictException`, or a cancellation with the reason `TransactionConflict`. Not applied. */
  'conflict',
  /** A batch is done in part: the rest comes back as `UnprocessedItems` or `UnprocessedKeys`. */
  'partialBatch',
  /** The signature is refused as too old, in each of the ways in which AWS says so. Not applied. */
  'clockSkew',
  /** An eventually consistent read gets an older reply of the same read. */
  'staleRead',
  /** The request or its reply takes longer, up to `maxDelayMs`. */
  'delay',
  /** Time passes while the request is on its way: up to `maxFreezeMs` on the clock. */
  'freeze',
  /** One byte of the reply is another, under the checksum of the whole. Only for clients that look at it: the SDK does not. */
  'corrupt',
  /** An established connection fails with an error of `socketFaults`, before or after the request is applied. */
  'socket',
  /** A new connection fails with an error of `connectFaults`. Never sent. */
  'connect',
] as const

/** The name of a fault of the proxy. */
export type ProxyFault = (typeof proxyFaults)[number]

/** Probability of each fault per request (`connect`: per connection) to which it can happen, 0 to 1. */
export type ProxyFaultRates = Partial<Record<ProxyFault, number>>

const codes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'] as const

/** How a connection that is being made fails: the system call and its error. */
export const connectFaults = [
  ...codes.map((code) => `connect ${code}` as const),
  'getaddrinfo ENOTFOUND',
  'getaddrinfo EAI_AGAIN',
] as const

/** How an established connection fails. */
export const socketFaults = [
  ...codes.map((code) => `read ${code}` as const),
  ...codes.map((code) => `write ${code}` as const),
] as const

/** The name of a fault of a client's sockets. */
export type SocketFault = (typeof connectFaults)[number] | (typeof socketFaults)[number]

const zero = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>

export const zeroProxyCounts = (): Record<ProxyFault, number> => zero(proxyFaults)
export const zeroSocketCounts = (): Record<SocketFault, number> =>
  zero<SocketFault>([...connectFaults, ...socketFaults])
