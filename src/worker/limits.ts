import { type RateLimit, RateLimiter } from '../coordination/index.ts'
import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { checkOptions, wholeNumber } from '../model/checks.ts'
import { systemRuntime } from '../runtime.ts'

/** What the consumers of a queue keep to together, whatever their number. All of them name the same. */
export interface QueueLimits {
  /**
   * Messages of the queue that are handled at once, 1 to 2000. A permit is kept from message to message while there are
   * any: 2 WRU when it is taken and given back, and 3 WRU in each `visibilitySeconds`. @default no limit
   */
  concurrency?: number
  /**
   * Messages of one group that are handled at once, 1 to 2000. 2 WRU for each message with a group. Not with `strict`.
   * @default no limit
   */
  groupConcurrency?: number
  /** How many messages begin in a time. 1 WRU for each. @default no limit */
  rate?: RateLimit
}

const nowhere = { get() {}, update() {}, runtime: systemRuntime } as unknown as AtomicDbInterface

export function checkLimits(limits: QueueLimits | undefined, strict: boolean | undefined): void {
  if (limits === undefined) return
  checkOptions(limits, ['concurrency', 'groupConcurrency', 'rate'], 'limits')
  const { concurrency, groupConcurrency, rate } = limits
  for (const [name, value] of Object.entries({ concurrency, groupConcurrency }))
    if (value !== undefined) wholeNumber(value, `limits.${name}`, { min: 1, max: 2000 })
  if (groupConcurrency !== undefined && strict)
    throw new InvalidInput(
      'limits.groupConcurrency',
      'cannot stand with strict: one message of a group is handled at a time',
    )
  // It checks itself, and sends nothing.
  if (rate !== undefined) new RateLimiter(nowhere, { pk: 'limits', sk: 'rate' }, rate)
}
