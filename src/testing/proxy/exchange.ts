import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { OldReplies } from '../faults/old-replies.ts'
import type { FailingAgent } from './agent.ts'
import type { Dice } from './dice.ts'
import { HeldRequests } from './held.ts'
import { type ProxyFault, socketFaults } from './kinds.ts'
import type { FaultProxyOptions, PlannedFault, ProxyExchange } from './options.ts'
import type { ProxyReply } from './replies.ts'
import * as replies from './replies.ts'
import { ProxyRequest } from './request.ts'
import { ServiceRules } from './service.ts'
import type { Upstream } from './upstream.ts'

interface Reached {
  request: ProxyRequest
  fault: ProxyFault | undefined
  reply: ProxyReply
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Takes requests through the proxy, each to its fate. */
export class Exchanges {
  readonly held = new HeldRequests()
  readonly #rules: ServiceRules
  readonly #old = new OldReplies<ProxyReply>()

  constructor(
    readonly options: FaultProxyOptions,
    readonly dice: Dice,
    readonly agent: FailingAgent,
    readonly upstream: Upstream,
    readonly report: (exchange: ProxyExchange) => void,
  ) {
    this.#rules = new ServiceRules(() => (options.clock ?? Date).now())
  }

  /** Ends the connection before or while the request is read, where that is its fate. */
  async cut(message: IncomingMessage): Promise<boolean> {
    const { dice, options } = this
    // These two have to see the request first.
    if (options.decide || options.only) return false
    const fault = dice.cut()
    if (!fault) return false
    if (fault === 'cutDuring') await Promise.race([once(message, 'data'), once(message, 'close')])
    const request = new ProxyRequest(message.headers, Buffer.of())
    this.report({ request, fault, applied: false, answered: false, late: false })
    if (dice.random.chance(0.5)) message.socket.resetAndDestroy()
    else message.socket.destroy()
    return true
  }

  async serve(request: ProxyRequest, response: ServerResponse): Promise<void> {
    await this.#wait()
    const { fault, applied = this.dice.random.chance(0.5) } = this.#plan(request)
    const refusal = this.#refused(request, fault)
    if (refusal) return this.#answer(request, response, fault, refusal, false)
    if (fault === 'late' || fault === 'inProgress') return this.#hold(request, response, fault)
    const isLost = fault === 'cutBefore' || fault === 'cutDuring'
    const fails = fault === 'serverError' || fault === 'unavailable' || fault === 'socket'
    if (isLost || (fails && !applied)) {
      this.#spoil(request, response, fault)
      return this.report({ request, fault, applied: false, answered: false, late: false })
    }
    await this.options.between?.(request)
    const reply = await this.#done(request, fault)
    await this.#wait()
    this.#finish({ request, fault, reply }, response)
    this.held.answered(request)
  }

  #plan(request: ProxyRequest): Partial<PlannedFault> {
    const { decide, only } = this.options
    if (only && !only(request)) return {}
    const planned = decide ? decide(request) : this.dice.fate(request, only !== undefined)
    if (decide && planned) this.dice.counts[typeof planned === 'string' ? planned : planned.fault]++
    return typeof planned === 'string' ? { fault: planned } : (planned ?? {})
  }

  /** The request or its reply takes its time; now and then more of it than a token lives. */
  async #wait(): Promise<void> {
    const { options, dice } = this
    if (dice.happens('delay')) await pause(dice.random.between(0, options.maxDelayMs ?? 20))
    if (!dice.happens('freeze')) return
    const { clock } = options
    if (clock?.advance) clock.advance(dice.random.between(0, options.maxFreezeMs ?? 15 * 60_000))
    else await pause(dice.random.between(0, options.maxFreezeMs ?? 500))
  }

  /** The reply in place of that of the database, which is not asked. */
  #refused(request: ProxyRequest, fault: ProxyFault | undefined): ProxyReply | undefined {
    const { dice } = this
    if (this.#rules.isExpired(request)) return replies.signatureExpired()
    if (this.held.isRunning(request.token)) {
      dice.counts.inProgress++
      return replies.inProgress()
    }
    if (fault === 'throttle') return replies.throttled(dice.random)
    if (fault === 'clockSkew') return replies.clockSkewed(dice.random)
    if (fault === 'conflict') {
      const count = request.content.TransactItems?.length
      return count ? replies.cancelled(count, dice.random.int(count)) : replies.conflict()
    }
    const old = dice.rates.staleRead && this.#old.find(request.action, request.body.toString())
    return old && dice.happens('staleRead') ? old : undefined
  }

  #answer(
    request: ProxyRequest,
    response: ServerResponse,
    fault: ProxyFault | undefined,
    reply: ProxyReply,
    applied: boolean,
  ): void {
    this.report({ request, fault, applied, answered: true, late: false })
    replies.send(response, reply, this.#rules.date)
    this.held.answered(request)
  }

  #hold(request: ProxyRequest, response: ServerResponse, fault: ProxyFault): void {
    const { replies: most = 4, ms = 200 } = this.options.hold ?? {}
    const count = Number.isFinite(most) ? 1 + this.dice.random.int(most) : most
    this.held.hold(request, count, ms, fault === 'inProgress', async () => {
      const reply = await this.#forward(request).catch(() => undefined)
      this.report({ request, fault, applied: reply?.status === 200, answered: false, late: true })
    })
    this.report({ request, fault, applied: false, answered: false, late: false })
    this.#spoil(request, response, fault)
  }

  /** Whatever was waited for on the way: the signature must count, and the token be known, when the database acts. */
  async #forward(request: ProxyRequest): Promise<ProxyReply> {
    if (this.#rules.isExpired(request)) return replies.signatureExpired()
    return this.upstream.forward(this.#rules.withToken(request))
  }

  /** The reply of the database. */
  async #done(request: ProxyRequest, fault: ProxyFault | undefined): Promise<ProxyReply> {
    if (fault === 'partialBatch') {
      // At least one: a batch of which nothing is done is refused with an exception.
      const split = request.split(1 + this.dice.random.int(request.rows.length - 1))
      const reply = await this.#forward(split?.first ?? request)
      return split && reply.status === 200 ? replies.leftUndone(reply, split.rest, request.isWrite) : reply
    }
    const first = fault === 'duplicate' ? await this.#forward(request) : undefined
    // A copy that comes too late is refused by itself: who waits hears of the other one.
    if (first && this.#rules.isExpired(request)) return first
    const reply = await this.#forward(request)
    const { action, body } = request
    if (this.dice.rates.staleRead && reply.status === 200 && OldReplies.isRead(action))
      this.#old.keep(action, body.toString(), reply, this.dice.random)
    return reply
  }

  /** The database has answered; what the caller hears of it. */
  #finish({ request, fault, reply }: Reached, response: ServerResponse): void {
    const applied = reply.status === 200
    const { date } = this.#rules
    switch (fault) {
      case 'dropReply':
      case 'cutAfter':
      case 'serverError':
      case 'unavailable':
      case 'socket':
      case 'corrupt':
        this.report({ request, fault, applied, answered: false, late: false })
        if (fault === 'cutAfter') replies.sendHalf(response, reply, date)
        else if (fault === 'corrupt') replies.send(response, replies.corrupted(reply, this.dice.random), date)
        else this.#spoil(request, response, fault)
        return
      default:
        this.report({ request, fault, applied, answered: true, late: false })
        if (fault === 'replyTwice' && response.socket) replies.sendTwice(response.socket, reply, date)
        else replies.send(response, reply, date)
    }
  }

  /** Anything but the reply. */
  #spoil({ body }: ProxyRequest, response: ServerResponse, fault: ProxyFault): void {
    const { random } = this.dice
    const { socket } = response
    if (fault === 'serverError') {
      replies.send(response, replies.serverError(), this.#rules.date)
      return
    }
    if (fault === 'unavailable') {
      const whole = replies.unavailable()
      const half = { ...whole, body: whole.body.subarray(0, whole.body.length >> 1) }
      if (random.chance(0.5)) replies.sendHalf(response, whole, this.#rules.date)
      else replies.send(response, half, this.#rules.date)
      return
    }
    if (fault === 'socket' && this.agent.fail(socket?.remotePort, random.pick(socketFaults))) return
    if (body.length > 0 && random.chance(0.5)) socket?.resetAndDestroy()
    else response.destroy()
  }
}
