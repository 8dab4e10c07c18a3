import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { checkOptions } from '../../model/checks.ts'
import { optionsCheck } from '../../model/options-check.ts'
import { type BatchSend, Injector, type Send } from './injector.ts'
import { sdkFaults } from './kinds.ts'
import type { FaultInjection, FaultInjectionOptions } from './options.ts'

export { type SdkFault, type SdkFaultRates, sdkFaults } from './kinds.ts'

const checkFaultOptions = /* @__PURE__ */ optionsCheck<FaultInjectionOptions>(() => [
  {
    seed: true,
    rates: true,
    runtime: true,
    maxDelayMs: true,
    maxFreezeMs: true,
    maxClockStepMs: true,
    log: true,
  },
])

const name = 'lockrowFaults'

/**
 * Makes the requests of an SDK client fail as they fail in production, which DynamoDB Local never does. The faults
 * are put below the SDK's retry, once per attempt, so that what is tested includes what the SDK does about them.
 *
 * ```ts
 * const faults = injectFaults(client, { seed: 7, rates: { dropReply: 0.05, throttle: 0.05, conflict: 0.05 } })
 * const db = new AtomicDynamoDB(client, 'table', { runtime: faults.runtime })
 * ```
 */
export function injectFaults(
  client: Pick<DynamoDBClient, 'middlewareStack'>,
  options: FaultInjectionOptions = {},
): FaultInjection {
  checkFaultOptions(options)
  checkOptions(options.rates, sdkFaults, 'rates')
  const injector = new Injector(options)
  const stack = client.middlewareStack
  const attempt = (next: unknown) => (args: unknown) =>
    injector.attempt(next as Send, args as Parameters<Send>[0])
  const batch = (next: unknown) => (args: unknown) =>
    injector.batch(next as BatchSend, args as Parameters<BatchSend>[0])
  // Deserialize, low: the innermost place, where a request is a request and a reply not yet decoded.
  stack.add(attempt as never, { step: 'deserialize', priority: 'low', name, override: true })
  stack.add(batch as never, { step: 'initialize', name: `${name}Batch`, override: true })
  const log = options.log ?? console.log
  log(`faults injected with seed ${injector.seed}`)
  return Object.assign(injector, {
    stop() {
      stack.remove(name)
      stack.remove(`${name}Batch`)
    },
  })
}
