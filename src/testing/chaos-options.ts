import { InvalidInput } from '../errors.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'

/** What `AtomicChaosDb` does to calls: each is something that the contract allows and production does, seldom. */
export const chaosFaults = [
  /** Takes longer, before and after, so that others come between. */
  'delay',
  /** `Throttled`: nothing was done. */
  'throttled',
  /** `BackendError`: nothing was done. */
  'unavailable',
  /** `RaceCondition` of `setAtomic` and `transact`, because another transaction writes the rows: nothing was done. */
  'conflict',
  /** `OutcomeUnknown` of a write that was done. */
  'lostReply',
  /** `OutcomeUnknown` of a write that was not done. */
  'lostRequest',
  /** `PartialWrite` of `set` and `delete` with several rows: some are done. */
  'partialWrite',
  /** A read with `consistent: false` returns what an earlier one saw. */
  'staleRead',
  /** A message is handed out again while its first consumer is still working, as after a visibility timeout. */
  'redelivery',
] as const

/** The name of a fault of `AtomicChaosDb`. */
export type ChaosFault = (typeof chaosFaults)[number]

/** Options of `AtomicChaosDb`. */
export interface AtomicChaosOptions {
  /** Decides what happens. Default: by chance; it is told either way. */
  seed?: number
  /** Probability per call, 0 to 1. Default 0.05 each, `delay` 0.5. */
  rates?: Partial<Record<ChaosFault, number>>
  /** Default 2. */
  maxDelayMs?: number
  /** Told the seed, once. Default `console.log`. */
  log?: (line: string) => void
}

const checkNames = /* @__PURE__ */ optionsCheck<AtomicChaosOptions>(() => [
  {
    seed: true,
    rates: true,
    maxDelayMs: true,
    log: true,
  },
])

export function checkChaosOptions(options: AtomicChaosOptions): void {
  checkNames(options)
  const { rates, maxDelayMs } = options
  if (maxDelayMs !== undefined) milliseconds(maxDelayMs, 'maxDelayMs', { zero: true })
  checkOptions(rates, chaosFaults, 'rates')
  for (const [fault, rate] of Object.entries(rates ?? {}))
    if (rate !== undefined && !(rate >= 0 && rate <= 1))
      throw new InvalidInput(`rates.${fault}`, 'must be a probability from 0 to 1', { given: String(rate) })
}
