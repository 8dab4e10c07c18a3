import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FailingAgent } from './agent.ts'
import { checkProxyOptions, checkRates } from './check-options.ts'
import { Dice } from './dice.ts'
import { Exchanges } from './exchange.ts'
import type { ProxyFault, ProxyFaultRates, SocketFault } from './kinds.ts'
import type { FaultProxyOptions } from './options.ts'
import { ProxyRequest } from './request.ts'
import { Upstream } from './upstream.ts'

export { signBy, TestClock, type TestClockOptions } from './clock.ts'
export {
  connectFaults,
  type ProxyFault,
  type ProxyFaultRates,
  proxyFaults,
  type SocketFault,
  socketFaults,
} from './kinds.ts'
export type { PlannedFault, ProxyExchange } from './options.ts'
export type { ProxyRequest } from './request.ts'

/** A server between a client and DynamoDB Local that does what networks and the service do, seldom. */
export class FaultProxy {
  /** For the client: `http://127.0.0.1:` and a port. */
  readonly endpoint: string
  /** For the client's `requestHandler`: its sockets fail with `connect` and `socket`. */
  readonly agent: FailingAgent
  readonly seed: number
  /** Requests for writes of which the caller cannot know whether they were applied, or that were applied twice. */
  get doubts(): number {
    return this.#doubts
  }
  #doubts = 0
  readonly #dice: Dice
  readonly #server: Server
  readonly #upstream: Upstream
  readonly #exchanges: Exchanges

  /** See {@link startFaultProxy}. */
  constructor(server: Server, options: FaultProxyOptions, seed: number) {
    this.seed = seed
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#upstream = new Upstream(options.target)
    const dice = new Dice(seed, options.rates ?? {})
    this.#dice = dice
    this.agent = new FailingAgent(
      dice.random.fork(),
      () => dice.happens('connect'),
      (fault) => dice.sockets[fault]++,
    )
    this.#exchanges = new Exchanges(options, dice, this.agent, this.#upstream, (exchange) => {
      const { request, fault, answered, late } = exchange
      if (request.isWrite && !late && (!answered || fault === 'duplicate')) this.#doubts++
      options.onExchange?.(exchange)
    })
    server.on('request', (message, response) => void this.#serve(message, response))
  }

  /** May be changed at any time. */
  get rates(): ProxyFaultRates {
    return this.#dice.rates
  }
  set rates(rates: ProxyFaultRates) {
    checkRates(rates)
    this.#dice.rates = rates
  }

  /** How often each fault struck. */
  get counts(): Readonly<Record<ProxyFault, number>> {
    return this.#dice.counts
  }

  /** How often a connection failed in each way. */
  get sockets(): Readonly<Record<SocketFault, number>> {
    return this.#dice.sockets
  }

  /** Delivers what is held, and waits until it has arrived. */
  settle(): Promise<void> {
    return this.#exchanges.held.settle()
  }

  /** Delivers what is held, and ends server and connections. */
  async stop(): Promise<void> {
    await this.settle()
    this.agent.destroy()
    this.#upstream.close()
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    // Those who cut connections get their errors, too.
    response.on('error', () => {})
    try {
      if (await this.#exchanges.cut(message)) return
      const chunks: Buffer[] = []
      for await (const chunk of message) chunks.push(chunk as Buffer)
      await this.#exchanges.serve(new ProxyRequest(message.headers, Buffer.concat(chunks)), response)
    } catch {
      // The database is gone, or the caller.
      response.destroy()
    }
  }
}

/**
 * Starts a server in front of DynamoDB Local that faults every request as networks and the service do: requests held
 * back and delivered late, replies lost, connections cut at any moment, errors of the service, throttling, conflicts,
 * transactions in progress, partial batches, refused signatures, failing sockets. What is tested is the real client,
 * with its signing, its retries and its sockets. Signatures count for five minutes and tokens for ten, by a clock of
 * yours.
 *
 * @example
 * ```ts
 * const clock = new TestClock({ speed: 60 })
 * await using proxy = await startFaultProxy({ target, clock, seed: 7, rates: { late: 0.02, dropReply: 0.02 } })
 * const client = new DynamoDBClient({
 *   endpoint: proxy.endpoint,
 *   requestHandler: { httpAgent: proxy.agent },
 *   region: 'local',
 *   credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
 * })
 * signBy(client, clock)
 * const db = new AtomicDynamoDB(client, 'table', { runtime: clock })
 * ```
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  checkProxyOptions(options)
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return new FaultProxy(server, options, options.seed ?? Math.floor(Math.random() * 2 ** 31))
}
