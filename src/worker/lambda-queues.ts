import { InvalidInput } from '../errors.ts'
import { checkFunction, checkOptions, milliseconds, suggestion, wholeNumber } from '../model/checks.ts'
import type { QueueHandler } from './handling.ts'
import { checkHandling, handlingHints, handlingOptions, type QueueHandling } from './options.ts'
import { mayBeQueue, queueOf, type Wake } from './wake-event.ts'

/** What all queues of a `queueLambda` have in common. */
export interface QueueLambdaSettings extends Omit<QueueHandling, 'pk'> {
  /** Messages handled at once, of all queues together. @default 10 */
  concurrency?: number
  /**
   * How long before the end of the invocation handlers are told to give up and their messages are given back, ms.
   * @default 5000, or a quarter of the time of the invocation where that is less
   */
  reserveMs?: number
}

/** Options of `queueLambda` with one handler. */
export interface QueueLambdaOptions extends QueueLambdaSettings {
  /** The queue, or several of them: `item.pk` says which one a message is of. Either this or `pkPrefix`. */
  pk?: string | readonly string[]
  /** Beginning of the names of queues that nobody can list: those that an event names are drained. */
  pkPrefix?: string
}

/** A queue with settings of its own. */
export interface QueueOfLambda extends Omit<QueueHandling, 'pk'> {
  handler: QueueHandler<never>
}

/** Handlers by the names of their queues. */
export type QueueHandlers = Readonly<Record<string, QueueHandler<never> | QueueOfLambda>>

/** A queue and what handles its messages. */
export interface ServedQueue {
  handler: QueueHandler<unknown>
  options: QueueHandling
}

const settingNames = ['concurrency', 'reserveMs'] as const

/** The queues that a function serves, checked once. */
export class LambdaQueues {
  readonly #served = new Map<string, ServedQueue>()
  #prefix: string | undefined
  #ofPrefix: ((pk: string) => ServedQueue) | undefined

  constructor(given: QueueHandler<never> | QueueHandlers, options: QueueLambdaOptions | undefined) {
    if (typeof given === 'function') this.#serveBy(given as QueueHandler<unknown>, options)
    else this.#serveAll(given, options ?? {})
  }

  #serveBy(handler: QueueHandler<unknown>, options: QueueLambdaOptions | undefined): void {
    if (options === undefined) throw new InvalidInput('options', 'must be an object with pk')
    checkOptions(options, [...handlingOptions, ...settingNames, 'pkPrefix'], 'options', handlingHints)
    const { pk, pkPrefix, concurrency: _, reserveMs: __, ...shared } = options
    if (pkPrefix === undefined) {
      const names = Array.isArray(pk) ? (pk as readonly string[]) : [pk as string]
      if (names.length === 0) throw new InvalidInput('pk', 'must be the name of a queue, or of several')
      for (const name of names) this.#serve(name, { handler, options: { ...shared, pk: name } })
      return
    }
    if (pk !== undefined) throw new InvalidInput('pkPrefix', 'cannot stand with pk: name the queues, or none')
    if (typeof pkPrefix !== 'string' || pkPrefix === '')
      throw new InvalidInput('pkPrefix', 'must be the beginning of the names of queues')
    this.#prefix = pkPrefix
    this.#ofPrefix = (name) => ({ handler, options: { ...shared, pk: name } })
    checkHandling({ ...shared, pk: pkPrefix }, [])
  }

  #serveAll(handlers: QueueHandlers, settings: QueueLambdaSettings): void {
    const entries = typeof handlers === 'object' && handlers !== null ? Object.entries(handlers) : []
    if (entries.length === 0) checkFunction(handlers, 'handler')
    checkOptions(settings, [...handlingOptions.filter((name) => name !== 'pk'), ...settingNames], 'options', {
      ...handlingHints,
      pk: 'the queues are the names of the handlers',
      pkPrefix: 'is for one handler',
    })
    const { concurrency: _, reserveMs: __, ...shared } = settings
    for (const [pk, entry] of entries) {
      const { handler, ...own } = typeof entry === 'function' ? { handler: entry } : (entry ?? {})
      checkFunction(handler, `handler.${pk}`)
      checkOptions(
        own,
        [...handlingOptions.filter((name) => name !== 'pk'), 'handler'],
        `handler.${pk}`,
        handlingHints,
      )
      this.#serve(pk, { handler: handler as QueueHandler<unknown>, options: { ...shared, ...own, pk } })
    }
  }

  #serve(pk: string, served: ServedQueue): void {
    checkHandling(served.options, [])
    this.#served.set(pk, served)
  }

  /** Those that a wake-up is for; all, where it names none. */
  for(wake: Wake | undefined): readonly ServedQueue[] {
    if (wake === undefined) {
      if (this.#prefix === undefined) return [...this.#served.values()]
      throw new InvalidInput('event.queue', 'must name the queues: with pkPrefix nobody else knows them')
    }
    const found = new Map<string, ServedQueue>()
    for (const name of wake.names) {
      const pk = queueOf(name, (known) => this.#served.has(known))
      const served = this.#served.get(pk) ?? this.#named(pk, wake.isAsked)
      if (served) found.set(pk, served)
    }
    return [...found.values()]
  }

  #named(pk: string, isAsked: boolean): ServedQueue | undefined {
    const isOurs = this.#prefix !== undefined && pk.startsWith(this.#prefix) && (isAsked || mayBeQueue(pk))
    if (isOurs) return this.#ofPrefix?.(pk)
    if (!isAsked) return undefined
    const known = this.#prefix === undefined ? suggestion(pk, [...this.#served.keys()]) : `${this.#prefix}...`
    throw new InvalidInput('event.queue', `'${pk}' is not a queue of this function: ${known}`)
  }
}

export function checkSettings({ concurrency, reserveMs }: QueueLambdaSettings): void {
  if (concurrency !== undefined) wholeNumber(concurrency, 'concurrency', { min: 1 })
  if (reserveMs !== undefined) milliseconds(reserveMs, 'reserveMs', { zero: true })
}
