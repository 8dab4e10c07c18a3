import { InvalidInput } from '../errors.ts'
import type { AtomicDbQueueItem, AtomicDbQueuePullManyOptions } from '../interface.ts'
import {
  checkBoolean,
  checkFunction,
  checkOptions,
  milliseconds,
  seconds,
  wholeNumber,
  wholeSeconds,
} from '../model/checks.ts'
import { checkFamilyName } from '../model/families.ts'
import { deadLetterName } from '../model/key-names.ts'
import { checkShards } from '../model/shards.ts'
import { type Backoff, checkBackoff } from './backoff.ts'
import type { Observed } from './events.ts'
import { checkLimits, type QueueLimits } from './limits.ts'

/** How a worker or a Lambda handles messages. */
export interface QueueHandling extends Observed {
  /** The queue. Either this or `family`. */
  pk?: string
  /** All queues that are pushed to with this `family`, in fair turns; nobody has to list them. See `queuePull`. */
  family?: string
  /** Visibility timeout, whole seconds; extended at half of it for as long as the handler runs. @default 60 */
  visibilitySeconds?: number
  /**
   * Longest time for one message, seconds: then its signal is aborted and it counts as failed. A function says it for
   * each message. @default none
   */
  timeoutSeconds?: number | ((item: AtomicDbQueueItem) => number | undefined)
  /**
   * When a failed message comes again: a policy, or a function of the failure.
   * @default { baseSeconds: 1, factor: 2, maxSeconds: 300, jitter: 0.5 }
   */
  backoff?: Backoff
  /**
   * Received so often, a message that fails again becomes a dead letter. With the default of `backoff` a message
   * outlives at least 16 minutes without a working downstream. `Infinity`: never. @default 15
   */
  maxReceives?: number
  /** The dead-letter queue. @default `pk`, or `family`, with `#dead` */
  deadLetter?: string
  /** For a queue that is pushed to with `shards`: the same number. */
  shards?: number
  /** Order within groups, see `queuePull`. */
  strict?: boolean
  /** What all consumers of the queue keep to together. @default nothing */
  limits?: QueueLimits
}

export const handlingOptions = [
  'pk',
  'family',
  'visibilitySeconds',
  'timeoutSeconds',
  'backoff',
  'maxReceives',
  'deadLetter',
  'shards',
  'strict',
  'limits',
  'onEvent',
] as const

/** Names that were, or that others use. */
export const handlingHints = {
  retrySeconds: "use 'backoff': { baseSeconds, maxSeconds }",
  retryDelay: "use 'backoff'",
  timeoutMs: "use 'timeoutSeconds'",
  visibilityTimeout: "use 'visibilitySeconds'",
  visibilityTimeoutSeconds: "use 'visibilitySeconds'",
  ttlSeconds: "use 'visibilitySeconds'",
  pkPrefix: "use 'family', as the pushes do",
} as const

const defaultMaxReceives = 15

function checkPair(value: unknown, field: string, check: (value: unknown, field: string) => number): void {
  if (value === undefined) return
  if (!Array.isArray(value) || value.length !== 2)
    throw new InvalidInput(field, 'must be a pair: the least and the most', { given: typeof value })
  if (check(value[0], `${field}[0]`) > check(value[1], `${field}[1]`))
    throw new InvalidInput(field, 'must not begin with the larger one', { given: value.join(', ') })
}

export function checkHandling(options: QueueHandling, more: readonly string[]): void {
  if (options === undefined) throw new InvalidInput('options', 'must be an object with pk')
  checkOptions(options, [...handlingOptions, ...more], 'options', handlingHints)
  const { visibilitySeconds, timeoutSeconds, backoff, maxReceives, deadLetter, shards } = options
  checkQueue(options)
  if (visibilitySeconds !== undefined) wholeSeconds(visibilitySeconds, 'visibilitySeconds', { min: 1 })
  if (timeoutSeconds !== undefined && typeof timeoutSeconds !== 'function')
    seconds(timeoutSeconds, 'timeoutSeconds')
  checkBackoff(backoff)
  if (maxReceives !== undefined && maxReceives !== Number.POSITIVE_INFINITY)
    wholeNumber(maxReceives, 'maxReceives', { min: 1 })
  if (deadLetter !== undefined && (typeof deadLetter !== 'string' || deadLetter === ''))
    throw new InvalidInput('deadLetter', 'must be the name of a queue')
  if (deadLetter === queueNameOf(options))
    throw new InvalidInput('deadLetter', 'must be another queue than pk')
  if (shards !== undefined) checkShards(shards)
  checkBoolean(options.strict, 'strict')
  checkLimits(options.limits, options.strict)
  if (options.onEvent !== undefined) checkFunction(options.onEvent, 'onEvent')
}

function checkQueue({ pk, family, shards }: QueueHandling): void {
  if (family === undefined) {
    if (typeof pk !== 'string' || pk === '') throw new InvalidInput('pk', 'must be the name of a queue')
    return
  }
  checkFamilyName(family)
  if (pk !== undefined) throw new InvalidInput('pk', 'cannot stand with family')
  if (shards !== undefined) throw new InvalidInput('shards', 'cannot stand with family')
}

/** The name of the queue, or of the family of queues. */
export const queueNameOf = ({ pk, family }: Pick<QueueHandling, 'pk' | 'family'>): string =>
  pk ?? family ?? ''

export const checkWaits = (value: unknown, field: string): void =>
  checkPair(value, field, (one, name) => milliseconds(one, name))

export const visibilityOf = ({ visibilitySeconds = 60 }: QueueHandling): number => visibilitySeconds

export const maxReceivesOf = ({ maxReceives = defaultMaxReceives }: QueueHandling): number => maxReceives

export const deadLetterOf = (options: QueueHandling): string =>
  options.deadLetter ?? deadLetterName(queueNameOf(options))

/** What a pull needs to know of the handling. */
export const pullOptions = (
  options: QueueHandling & Pick<AtomicDbQueuePullManyOptions, 'exceptGroups'>,
): Omit<AtomicDbQueuePullManyOptions, 'limit'> => ({
  pk: options.pk,
  family: options.family,
  ttlSeconds: visibilityOf(options),
  strict: options.strict,
  maxReceives: maxReceivesOf(options) === Number.POSITIVE_INFINITY ? undefined : maxReceivesOf(options),
  deadLetter: options.deadLetter,
  shards: options.shards,
  exceptGroups: options.exceptGroups,
})

/** How long the handler of this message may take, seconds. */
export function timeoutOf({ timeoutSeconds }: QueueHandling, item: AtomicDbQueueItem): number | undefined {
  if (typeof timeoutSeconds !== 'function') return timeoutSeconds
  const said = timeoutSeconds(item)
  return said === undefined ? undefined : seconds(said, 'timeoutSeconds(item)')
}
