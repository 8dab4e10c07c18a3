import { type Runtime, systemRuntime } from '../../runtime.ts'
import { Random } from '../random.ts'
import { type SdkFault, type SdkFaultRates, zeroSdkCounts } from './kinds.ts'
import { OldReplies } from './old-replies.ts'
import type { FaultInjection, FaultInjectionOptions } from './options.ts'
import {
  cancelled,
  collected,
  conflict,
  discard,
  type HttpReply,
  lostConnection,
  serverError,
  throttled,
} from './replies.ts'

interface HttpRequest {
  headers: Record<string, string>
  body: unknown
}

/** What the SDK's innermost middleware works with. */
export type Send = (args: {
  request: HttpRequest
  input: unknown
}) => Promise<{ response: HttpReply; output: unknown }>

type BatchRequests = Record<string, unknown[] | { Keys?: unknown[] }>
interface BatchOutput {
  UnprocessedItems?: BatchRequests
  UnprocessedKeys?: BatchRequests
}
/** What its outermost one works with. */
export type BatchSend = (args: {
  input: { RequestItems?: BatchRequests }
}) => Promise<{ output: BatchOutput }>

const conflicting = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'TransactGetItems'])
const utf8 = new TextDecoder()
const textOf = (body: unknown): string =>
  body instanceof Uint8Array ? utf8.decode(body) : typeof body === 'string' ? body : ''

const answer = (response: HttpReply) => ({ response, output: undefined })

export class Injector implements Omit<FaultInjection, 'stop'> {
  readonly seed: number
  readonly counts = zeroSdkCounts()
  readonly runtime: Runtime
  rates: SdkFaultRates
  doubts = 0
  readonly #random: Random
  readonly #options: FaultInjectionOptions
  readonly #base: Runtime
  readonly #replies = new OldReplies<HttpReply>()
  #clockOffset = 0
  #frozenUntil = 0

  constructor(options: FaultInjectionOptions) {
    const base = options.runtime ?? systemRuntime
    this.seed = options.seed ?? Math.floor(base.random() * 2 ** 31)
    this.rates = options.rates ?? {}
    this.#options = options
    this.#random = new Random(this.seed)
    this.#base = base
    this.runtime = {
      now: () => base.now() + this.#clockOffset,
      monotonic: () => base.monotonic(),
      sleep: (ms, given) => base.sleep(ms, given),
      random: () => base.random(),
    }
  }

  #happens(fault: SdkFault): boolean {
    const rate = this.rates[fault]
    if (!rate || !this.#random.chance(rate)) return false
    this.counts[fault]++
    return true
  }

  #wait(ms: number): Promise<void> {
    return this.#base.sleep(this.#random.between(0, ms))
  }

  /** One attempt of the SDK. */
  async attempt(next: Send, args: Parameters<Send>[0]): ReturnType<Send> {
    const operation = (args.request.headers['x-amz-target'] ?? '').split('.').at(-1)!
    const body = textOf(args.request.body)
    this.#stepClock()
    if (this.#happens('freeze'))
      this.#frozenUntil = this.#base.monotonic() + this.#random.between(0, this.#options.maxFreezeMs ?? 500)
    await this.#thaw()
    const refused = this.#refused(operation, body)
    if (refused) return answer(refused)
    if (this.#happens('delay')) await this.#wait(this.#options.maxDelayMs ?? 50)
    if (this.#happens('serverError')) {
      this.doubts++
      if (this.#random.chance(0.5)) {
        discard((await next(args)).response)
      }
      return answer(serverError())
    }
    const result = await this.#sent(operation, body, next, args)
    if (this.#happens('delay')) await this.#wait(this.#options.maxDelayMs ?? 50)
    await this.#thaw()
    return result
  }

  #stepClock(): void {
    const most = this.#options.maxClockStepMs ?? 2000
    if (this.#happens('clockStep')) this.#clockOffset = Math.round(this.#random.between(-most, most))
  }

  async #thaw(): Promise<void> {
    for (let left = 1; left > 0; ) {
      left = this.#frozenUntil - this.#base.monotonic()
      if (left > 0) await this.#base.sleep(left)
    }
  }

  /** A reply without the request having been sent. */
  #refused(operation: string, body: string): HttpReply | undefined {
    if (this.#happens('reset')) {
      this.doubts++
      throw lostConnection('before sending')
    }
    if (this.#happens('throttle')) return throttled(this.#random.chance(0.5))
    if (conflicting.has(operation) && this.#happens('conflict')) {
      if (!operation.startsWith('Transact')) return conflict()
      const { TransactItems = [] } = JSON.parse(body || '{}') as { TransactItems?: unknown[] }
      const count = Math.max(1, TransactItems.length)
      return cancelled(count, this.#random.int(count))
    }
    return this.#staleReply(operation, body)
  }

  async #sent(operation: string, body: string, next: Send, args: Parameters<Send>[0]): ReturnType<Send> {
    if (repeatable(operation, body) && this.#happens('duplicate')) {
      this.doubts++
      discard((await next(args)).response)
      await this.#wait((this.#options.maxDelayMs ?? 50) / 5)
    }
    const result = await next(args)
    if (this.#happens('dropReply')) {
      this.doubts++
      discard(result.response)
      throw lostConnection('after sending')
    }
    return { ...result, response: await this.#kept(operation, body, result.response) }
  }

  /** An earlier reply to the same read, which was true then. */
  #staleReply(operation: string, body: string): HttpReply | undefined {
    if (!this.rates.staleRead) return undefined
    const old = this.#replies.find(operation, body)
    return old && this.#happens('staleRead') ? old : undefined
  }

  async #kept(operation: string, body: string, response: HttpReply): Promise<HttpReply> {
    if (!this.rates.staleRead || !OldReplies.isRead(operation) || response.statusCode !== 200) return response
    const reply = await collected(response)
    this.#replies.keep(operation, body, reply, this.#random)
    return reply
  }

  /** A batch of which the server does a part. Above the SDK's retry and signature, for it changes what is sent. */
  async batch(next: BatchSend, args: Parameters<BatchSend>[0]): ReturnType<BatchSend> {
    const given = args.input?.RequestItems
    const [table, requests] = Object.entries(given ?? {})[0] ?? []
    const isWrite = Array.isArray(requests)
    const list = isWrite ? requests : (requests?.Keys ?? [])
    if (!table || list.length < 2 || !this.#happens('partialBatch')) return next(args)
    // At least one: a batch of which nothing is done is refused with an exception.
    const done = 1 + this.#random.int(list.length - 1)
    const wrap = (some: unknown[]) => (isWrite ? some : { ...requests, Keys: some })
    const rest = { [table]: wrap(list.slice(done)) }
    const input = { ...args.input, RequestItems: { ...given, [table]: wrap(list.slice(0, done)) } }
    const result = await next({ ...args, input })
    const unprocessed: BatchOutput = isWrite ? { UnprocessedItems: rest } : { UnprocessedKeys: rest }
    return { ...result, output: { ...result.output, ...unprocessed } }
  }
}

/** Sent twice it does the same. Of the others nobody makes two but a caller who lost a reply: that is `dropReply`. */
function repeatable(operation: string, body: string): boolean {
  if (operation === 'BatchWriteItem' || operation === 'TransactWriteItems') return true
  return (operation === 'PutItem' || operation === 'DeleteItem') && !body.includes('"ConditionExpression"')
}
