import { isSkewed } from '../dynamo/faults.ts'
import { noteRenewed, noteUnconnected } from '../dynamo/trail.ts'
import { BackendError, InvalidInput } from '../errors.ts'
import { notify } from '../model/notify.ts'
import { type RequestOptions, StorageFault } from '../storage.ts'
import { loading } from './builtin.ts'
import { connectionError } from './connection-errors.ts'
import { credentialSource } from './credential-source.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import { type Endpoint, resolveEndpoint } from './endpoint.ts'
import { eventOf, type Seen } from './events.ts'
import { exchanged } from './exchange.ts'
import { ExchangeFailure } from './exchange-failure.ts'
import { checkedLimits, type DirectClientOptions, type Limits } from './options.ts'
import { Pool } from './pool.ts'
import { readReply, requestIdOf } from './reply.ts'
import type { RawReply } from './reply-parser.ts'
import { requestBody, requestText } from './request-text.ts'
import { takesRows } from './row-reader.ts'
import { ServiceException } from './service-exception.ts'
import { signedHeaders } from './sign.ts'
import { socketsTo } from './sockets.ts'

/** Sends requests to DynamoDB, each of them once. Made by `directClient`. */
export interface DirectClient {
  /**
   * One request for any operation of DynamoDB, in its own JSON: `{ S: 'text' }`, `{ N: '1' }`, bytes as base64. Nothing
   * is repeated. `options.signal` ends it.
   *
   * @throws ServiceException what DynamoDB refused, by its `name`
   * @throws BackendError without an answer: the message says what to check
   *
   * @example
   * ```ts
   * const client = directClient({ region: 'eu-west-1' })
   * const { Table } = await client.call<{ Table: { ItemCount: number } }>('DescribeTable', { TableName: 'orders' })
   * ```
   */
  call<Output = Record<string, unknown>>(
    operation: string,
    input: object,
    options?: RequestOptions,
  ): Promise<Output>
  /** Ends all connections. Requests under way fail, later ones are refused. */
  destroy(): void
}

/**
 * Makes a client without the AWS SDK, for `AtomicDynamoDB` of `lockrow/direct` and for requests of your own. Make it
 * once, outside of the handler: it keeps its connections. No I/O here.
 *
 * @throws InvalidInput no region, or an option that is wrong
 *
 * @example
 * ```ts
 * const client = directClient({ region: 'eu-west-1', onRequest: ({ operation, ms }) => console.log(operation, ms) })
 * const db = new AtomicDynamoDB(client, 'orders')
 * ```
 */
export const directClient = (options: DirectClientOptions = {}): DirectClient => new Requests(options)

const expired = new Set(['ExpiredTokenException', 'ExpiredToken'])

class Requests implements DirectClient {
  readonly #options: DirectClientOptions
  readonly #limits: Limits
  readonly #credentials: CredentialSource
  readonly #now: () => number
  #endpoint: Endpoint
  /** Null as long as no credentials named one. */
  #accountId: string | null | undefined = null
  #pool: Pool | undefined
  /** Of each host so far. */
  readonly #pools = new Set<Pool>()
  #isDestroyed = false
  /** How far the service's clock is ahead of ours, ms. */
  #clockOffset = 0

  constructor(options: DirectClientOptions) {
    this.#limits = checkedLimits(options)
    this.#options = { ...options }
    this.#now = options.now ?? Date.now
    this.#endpoint = resolveEndpoint({ ...this.#options, accountId: null })
    this.#credentials = credentialSource(options.credentials, process.env, this.#now)
  }

  async call<Output>(operation: string, input: object, options: RequestOptions = {}): Promise<Output> {
    if (!this.#options.onRequest) return (await this.#request(operation, input, options, {})) as Output
    const startedAt = Date.now()
    const began = performance.now()
    const seen: Seen = {}
    try {
      seen.output = await this.#request(operation, input, options, seen)
      return seen.output as Output
    } catch (error) {
      seen.error = error
      throw error
    } finally {
      const { attempt = 1 } = options
      const { host } = this.#endpoint.url
      notify(
        this.#options.onRequest,
        eventOf({ operation, input, host, attempt, startedAt, ms: performance.now() - began }, seen),
      )
    }
  }

  destroy(): void {
    this.#isDestroyed = true
    for (const pool of this.#pools) pool.destroy()
  }

  #checkAlive(): void {
    if (this.#isDestroyed) throw new BackendError('this client was destroyed: make another one')
  }

  async #request(operation: string, input: object, options: RequestOptions, seen: Seen): Promise<unknown> {
    this.#checkAlive()
    // It becomes a part of a header.
    if (!/^[A-Za-z]+$/.test(operation))
      throw new InvalidInput('operation', "must be the name of an operation, such as 'GetItem'")
    const body = requestBody(input, this.#options.consumedCapacity ? withUnits : undefined)
    const credentials = this.#credentials.held() ?? (await this.#currentCredentials(options.signal))
    const endpoint = this.#endpointOf(credentials)
    const { url } = endpoint
    if (!this.#pool) await loading('node:net', 'node:tls')
    // Meanwhile, too.
    this.#checkAlive()
    this.#pool ??= this.#poolTo(url)
    const text = () => this.#signed(operation, body, credentials, endpoint)
    const reply = await this.#exchanged(operation, url, exchanged(this.#pool, text, this.#limits, options))
    seen.status = reply.status
    seen.requestId = requestIdOf(reply)
    try {
      return readReply(operation, url.host, reply, {
        hide: (text) => hidden(text, credentials),
        takesRows: takesRows in options,
      })
    } catch (error) {
      if (error instanceof ServiceException) this.#learn(error, reply, credentials)
      throw error
    }
  }

  /** As late as possible: while the connection is made, or when there is one. */
  #signed(operation: string, body: string, credentials: Credentials, { url, region }: Endpoint): string {
    const at = new Date(this.#now() + this.#clockOffset)
    const unsigned = { method: 'POST', url, headers: targetHeaders(operation), body }
    const headers = signedHeaders(unsigned, credentials, region, at)
    return requestText(url.pathname, headers, this.#options.headers?.(operation), body)
  }

  async #exchanged(operation: string, url: URL, reply: Promise<RawReply>): Promise<RawReply> {
    try {
      return await reply
    } catch (error) {
      throw error instanceof ExchangeFailure ? connectionError(operation, url, error) : error
    }
  }

  /** What a refusal says about our clock and our credentials. The next request uses it. */
  #learn(refused: ServiceException, { headers }: RawReply, used: Credentials): void {
    if (isSkewed(refused)) {
      const theirs = Date.parse(headers.date ?? '')
      // Of a year that no signature has, it is no clock.
      if (theirs > 0 && theirs < year10000) this.#clockOffset = theirs - this.#now()
    } else if (expired.has(refused.name)) {
      this.#credentials.expired(used)
      noteRenewed(refused)
    }
  }

  async #currentCredentials(signal: AbortSignal | undefined): Promise<Credentials> {
    try {
      return await this.#credentials.current(signal)
    } catch (error) {
      if (!(error instanceof StorageFault)) throw error
      const unreachable = new BackendError(`no credentials: ${error.message}`, {
        cause: error.cause ?? error,
      })
      noteUnconnected(unreachable)
      throw unreachable
    }
  }

  /** Accounts have endpoints of their own, and only the credentials know the account. */
  #endpointOf({ accountId }: Credentials): Endpoint {
    const { account } = this.#endpoint
    const before = this.#accountId
    const isNew = before === null ? accountId !== undefined || account === 'required' : accountId !== before
    if (isNew && account !== 'never') {
      this.#endpoint = resolveEndpoint({ ...this.#options, accountId })
      this.#accountId = accountId
      // Connections to another host; the old ones end when they are idle.
      this.#pool = undefined
    }
    return this.#endpoint
  }

  #poolTo(url: URL): Pool {
    const pool = new Pool(socketsTo(url, this.#options), this.#limits)
    this.#pools.add(pool)
    return pool
  }
}

const year10000 = 253_402_300_800_000
const withUnits = { ReturnConsumedCapacity: 'TOTAL' }

const targetHeaders = (operation: string) => ({
  'Content-Type': 'application/x-amz-json-1.0',
  'X-Amz-Target': `DynamoDB_20120810.${operation}`,
})

/** The service quotes parts of a request in some of its texts. Shorter keys than AWS makes are left: they are for tests. */
function hidden(text: string, { accessKeyId, secretAccessKey, sessionToken = '' }: Credentials): string {
  for (const secret of [sessionToken, secretAccessKey, accessKeyId])
    if (secret.length >= 16) text = text.replaceAll(secret, '***')
  return text
}
