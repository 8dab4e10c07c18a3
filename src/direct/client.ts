import { isSkewed } from '../dynamo/faults.ts'
import { noteRenewed, noteUnconnected } from '../dynamo/trail.ts'
import { BackendError, InvalidInput } from '../errors.ts'
import { notify } from '../model/notify.ts'
import { type RequestOptions, StorageFault } from '../storage.ts'
import { builtin } from './builtin.ts'
import { connectionError } from './connection-errors.ts'
import { crc32Of } from './crc32.ts'
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

interface Tools {
  readonly pool: Pool
  readonly crc32: (data: Uint8Array) => number
}

const expired = new Set(['ExpiredTokenException', 'ExpiredToken'])

class Requests implements DirectClient {
  readonly #options: DirectClientOptions
  readonly #limits: Limits
  readonly #credentials: CredentialSource
  readonly #now: () => number
  #endpoint: Endpoint
  /** Null before the first request. */
  #accountId: string | null | undefined = null
  #tools: Tools | Promise<Tools> | undefined
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
    const credentials = await this.#currentCredentials(options.signal)
    const { url, region } = this.#endpointOf(credentials)
    this.#tools ??= this.#load(url)
    const tools = this.#tools instanceof Promise ? await this.#tools : this.#tools
    // Meanwhile, too.
    this.#checkAlive()
    const at = new Date(this.#now() + this.#clockOffset)
    const headers = signedHeaders(
      { method: 'POST', url, headers: targetHeaders(operation), body },
      credentials,
      region,
      at,
    )
    const text = requestText(url.pathname, headers, this.#options.headers?.(operation), body)
    const reply = await this.#exchanged(operation, url, exchanged(tools.pool, text, this.#limits, options))
    seen.status = reply.status
    seen.requestId = requestIdOf(reply)
    try {
      return readReply(operation, url.host, reply, {
        crc32: tools.crc32,
        hide: (text) => hidden(text, credentials),
        takesRows: takesRows in options,
      })
    } catch (error) {
      if (error instanceof ServiceException) this.#learn(error, reply, credentials)
      throw error
    }
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
      if (!Number.isNaN(theirs)) this.#clockOffset = theirs - this.#now()
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
    if (accountId !== this.#accountId) {
      this.#endpoint = resolveEndpoint({ ...this.#options, accountId })
      this.#accountId = accountId
      // Connections to another host; the old ones end when they are idle.
      this.#tools = undefined
    }
    return this.#endpoint
  }

  #load(url: URL): Promise<Tools> {
    const keep = (tools: Tools | undefined) => {
      if (this.#tools === loading) this.#tools = tools
    }
    const loading = this.#toolsTo(url)
    loading.then(keep, () => keep(undefined))
    return loading
  }

  async #toolsTo(url: URL): Promise<Tools> {
    const pool = new Pool(await socketsTo(url, this.#options), this.#limits)
    this.#pools.add(pool)
    return { pool, crc32: crc32Of(await builtin('node:zlib')) }
  }
}

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
