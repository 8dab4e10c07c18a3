import { InvalidInput } from '../errors.ts'
import { checkFunction, checkOptions, milliseconds, suggestion, wholeNumber } from '../model/checks.ts'
import type { QueueHandler } from './handling.ts'
import { checkHandling, deadLetterOf, handlingHints, handlingOptions, type QueueHandling } from './options.ts'
import { mayBeQueue, queueOf, type Wake } from './wake-event.ts'

/** What all queues of a `queueLambda` have in common. */
export interface QueueLambdaSettings extends Omit<QueueHandling, 'pk' | 'family'> {
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
  /** The queue, or several of them: `item.pk` says which one a message is of. Either this or `family`. */
  pk?: string | readonly string[]
  /**
   * Queues that nobody can list, by the beginning of their names: those that an event names are drained, also without
   * `family` in their pushes; by any other event, those that have messages and are pushed to with this `family`.
   */
  family?: string
}

/** A queue with settings of its own. */
export interface QueueOfLambda extends Omit<QueueHandling, 'pk' | 'family'> {
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
const sharedNames = handlingOptions.filter((name) => name !== 'pk' && name !== 'family')

/** The queues that a function serves, checked once. */
export class LambdaQueues {
  readonly #served = new Map<string, ServedQueue>()
  #family: string | undefined
  #ofFamily: ((pk: string | undefined) => ServedQueue) | undefined

  constructor(given: QueueHandler<never> | QueueHandlers, options: QueueLambdaOptions | undefined) {
    if (typeof given === 'function') this.#serveBy(given as QueueHandler<unknown>, options)
    else this.#serveAll(given, options ?? {})
  }

  #serveBy(handler: QueueHandler<unknown>, options: QueueLambdaOptions | undefined): void {
    if (options === undefined) throw new InvalidInput('options', 'must be an object with pk')
    checkOptions(options, [...handlingOptions, ...settingNames], 'options', handlingHints)
    const { pk, family, concurrency: _, reserveMs: __, ...shared } = options
    if (family === undefined) {
      const names = Array.isArray(pk) ? (pk as readonly string[]) : [pk as string]
      if (names.length === 0) throw new InvalidInput('pk', 'must be the name of a queue, or of several')
      for (const name of names) this.#serve(name, { handler, options: { ...shared, pk: name } })
      return
    }
    if (pk !== undefined)
      throw new InvalidInput('family', 'cannot stand with pk: name the queues, or their family')
    const whole = { ...shared, family }
    checkHandling(whole, [])
    this.#family = family
    // A queue by its name has the dead letters of its family.
    const ofOne = { ...shared, deadLetter: deadLetterOf(whole) }
    this.#ofFamily = (name) => ({ handler, options: name === undefined ? whole : { ...ofOne, pk: name } })
  }

  #serveAll(handlers: QueueHandlers, settings: QueueLambdaSettings): void {
    const entries = typeof handlers === 'object' && handlers !== null ? Object.entries(handlers) : []
    if (entries.length === 0) checkFunction(handlers, 'handler')
    checkOptions(settings, [...sharedNames, ...settingNames], 'options', {
      ...handlingHints,
      pk: 'the queues are the names of the handlers',
      family: 'is for one handler',
    })
    const { concurrency: _, reserveMs: __, ...shared } = settings
    for (const [pk, entry] of entries) {
      const { handler, ...own } = typeof entry === 'function' ? { handler: entry } : (entry ?? {})
      checkFunction(handler, `handler.${pk}`)
      checkOptions(own, [...sharedNames, 'handler'], `handler.${pk}`, handlingHints)
      this.#serve(pk, { handler: handler as QueueHandler<unknown>, options: { ...shared, ...own, pk } })
    }
  }

  #serve(pk: string, served: ServedQueue): void {
    checkHandling(served.options, [])
    this.#served.set(pk, served)
  }

  /** Those that a wake-up is for; all, where it names none. */
  for(wake: Wake | undefined): readonly ServedQueue[] {
    if (wake === undefined) return this.#ofFamily ? [this.#ofFamily(undefined)] : [...this.#served.values()]
    const found = new Map<string, ServedQueue>()
    for (const name of wake.names) {
      const pk = queueOf(name, (known) => this.#served.has(known))
      const served = this.#served.get(pk) ?? this.#named(pk, wake.isAsked)
      if (served) found.set(pk, served)
    }
    return [...found.values()]
  }

  #named(pk: string, isAsked: boolean): ServedQueue | undefined {
    const isOurs = this.#family !== undefined && pk.startsWith(this.#family) && (isAsked || mayBeQueue(pk))
    // The schedule names the family itself.
    if (isOurs) return this.#ofFamily?.(pk === this.#family ? undefined : pk)
    if (!isAsked) return undefined
    const known = this.#family === undefined ? suggestion(pk, [...this.#served.keys()]) : `${this.#family}...`
    throw new InvalidInput('event.queue', `'${pk}' is not a queue of this function: ${known}`)
  }
}

export function checkSettings({ concurrency, reserveMs }: QueueLambdaSettings): void {
  if (concurrency !== undefined) wholeNumber(concurrency, 'concurrency', { min: 1 })
  if (reserveMs !== undefined) milliseconds(reserveMs, 'reserveMs', { zero: true })
}
