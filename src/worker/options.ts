import { InvalidInput } from '../errors.ts'
import type { AtomicDbQueuePullManyOptions } from '../interface.ts'
import {
  checkBoolean,
  checkFunction,
  checkOptions,
  milliseconds,
  seconds,
  wholeNumber,
  wholeSeconds,
} from '../model/checks.ts'
import { deadLetterName } from '../model/key-names.ts'
import { checkShards } from '../model/shards.ts'
import type { Runtime } from '../runtime.ts'
import type { Observed } from './events.ts'

/** How a worker or a Lambda handles messages. */
export interface QueueHandling extends Observed {
  /** The queue. */
  pk: string
  /** Visibility timeout, whole seconds; extended at half of it for as long as the handler runs. @default 60 */
  visibilitySeconds?: number
  /** Longest time for one message, seconds: then its signal is aborted and it counts as failed. @default none */
  timeoutSeconds?: number
  /**
   * Shortest and longest delay before a failed message comes again, whole seconds. Between them the upper bound of the
   * delay doubles with every receipt; the delay lies in the upper half of what is allowed. @default [1, 300]
   */
  retrySeconds?: readonly [number, number]
  /**
   * Received so often, a message that fails again becomes a dead letter. With the default of `retrySeconds` a message
   * outlives at least 16 minutes without a working downstream. `Infinity`: never. @default 15
   */
  maxReceives?: number
  /** The dead-letter queue. @default `pk` with `#dead` */
  deadLetter?: string
  /** For a queue that is pushed to with `shards`: the same number. */
  shards?: number
  /** Order within groups, see `queuePull`. */
  strict?: boolean
}

export const handlingOptions = [
  'pk',
  'visibilitySeconds',
  'timeoutSeconds',
  'retrySeconds',
  'maxReceives',
  'deadLetter',
  'shards',
  'strict',
  'onEvent',
] as const

const defaultMaxReceives = 15
const defaultRetrySeconds = [1, 300] as const

function checkPair(value: unknown, field: string, check: (value: unknown, field: string) => number): void {
  if (value === undefined) return
  if (!Array.isArray(value) || value.length !== 2)
    throw new InvalidInput(field, 'must be a pair: the least and the most', { given: typeof value })
  if (check(value[0], `${field}[0]`) > check(value[1], `${field}[1]`))
    throw new InvalidInput(field, 'must not begin with the larger one', { given: value.join(', ') })
}

export function checkHandling(options: QueueHandling, more: readonly string[]): void {
  if (options === undefined) throw new InvalidInput('options', 'must be an object with pk')
  checkOptions(options, [...handlingOptions, ...more])
  const { pk, visibilitySeconds, timeoutSeconds, retrySeconds, maxReceives, deadLetter, shards } = options
  if (typeof pk !== 'string' || pk === '') throw new InvalidInput('pk', 'must be the name of a queue')
  if (visibilitySeconds !== undefined) wholeSeconds(visibilitySeconds, 'visibilitySeconds', { min: 1 })
  if (timeoutSeconds !== undefined) seconds(timeoutSeconds, 'timeoutSeconds')
  checkPair(retrySeconds, 'retrySeconds', wholeSeconds)
  if (maxReceives !== undefined && maxReceives !== Number.POSITIVE_INFINITY)
    wholeNumber(maxReceives, 'maxReceives', { min: 1 })
  if (deadLetter !== undefined && (typeof deadLetter !== 'string' || deadLetter === ''))
    throw new InvalidInput('deadLetter', 'must be the name of a queue')
  if (deadLetter === pk) throw new InvalidInput('deadLetter', 'must be another queue than pk')
  if (shards !== undefined) checkShards(shards)
  checkBoolean(options.strict, 'strict')
  if (options.onEvent !== undefined) checkFunction(options.onEvent, 'onEvent')
}

export const checkWaits = (value: unknown, field: string): void =>
  checkPair(value, field, (one, name) => milliseconds(one, name))

export const visibilityOf = ({ visibilitySeconds = 60 }: QueueHandling): number => visibilitySeconds

export const maxReceivesOf = ({ maxReceives = defaultMaxReceives }: QueueHandling): number => maxReceives

export const deadLetterOf = ({ pk, deadLetter = deadLetterName(pk) }: QueueHandling): string => deadLetter

/** What a pull needs to know of the handling. */
export const pullOptions = (options: QueueHandling): Omit<AtomicDbQueuePullManyOptions, 'limit'> => ({
  pk: options.pk,
  ttlSeconds: visibilityOf(options),
  strict: options.strict,
  maxReceives: maxReceivesOf(options) === Number.POSITIVE_INFINITY ? undefined : maxReceivesOf(options),
  deadLetter: options.deadLetter,
  shards: options.shards,
})

/** Whole seconds before try number `receives + 1`: in the upper half of a bound that doubles, within `retrySeconds`. */
export function retryDelay(runtime: Runtime, receives: number, options: QueueHandling): number {
  const [least, most] = options.retrySeconds ?? defaultRetrySeconds
  const bound = Math.min(most, Math.max(1, least) * 2 ** Math.max(0, receives - 1))
  const low = Math.min(most, Math.max(least, bound / 2))
  return Math.round(low + runtime.random() * (bound - low))
}
