import { InvalidInput } from '../../errors.ts'
import { checkOptions } from '../../model/checks.ts'
import { optionsCheck } from '../../model/options-check.ts'
import { type ProxyFaultRates, proxyFaults } from './kinds.ts'
import type { FaultProxyOptions } from './options.ts'

const checkNames = optionsCheck<FaultProxyOptions>(() => [
  {
    target: true,
    seed: true,
    rates: true,
    only: true,
    clock: true,
    maxDelayMs: true,
    maxFreezeMs: true,
    hold: true,
    decide: true,
    between: true,
    onExchange: true,
  },
])

/** A fault with a typo in its name would never strike, and its test prove nothing. */
export function checkProxyOptions(options: FaultProxyOptions): void {
  if (options === undefined) throw new InvalidInput('options', 'must be an object with target')
  checkNames(options)
  if (typeof options.target !== 'string' || !URL.canParse(options.target))
    throw new InvalidInput('target', "must be where DynamoDB Local listens, as 'http://127.0.0.1:8000'")
  checkOptions(options.hold, ['replies', 'ms'], 'hold')
  if (options.rates !== undefined) checkRates(options.rates)
}

/** Known faults, each with a probability. */
export function checkRates(rates: ProxyFaultRates): void {
  checkOptions(rates, proxyFaults, 'rates')
  for (const [fault, rate] of Object.entries(rates))
    if (rate !== undefined && !(rate >= 0 && rate <= 1))
      throw new InvalidInput(`rates.${fault}`, 'must be a probability from 0 to 1', { given: String(rate) })
}
