/**
 * The conformance suite, chaos, faults, and DynamoDB Local.
 *
 * @module lockrow/testing
 */

export { AtomicChaosDb } from './chaos.ts'
export { type AtomicChaosOptions, type ChaosFault, chaosFaults } from './chaos-options.ts'
export * from './conformance/index.ts'
export {
  type DynamoDBLocal,
  type DynamoDBLocalOptions,
  startDynamoDBLocal,
} from './dynamo-local.ts'
export {
  type FaultInjection,
  type FaultInjectionOptions,
  injectFaults,
  type SdkFault,
  type SdkFaultRates,
  sdkFaults,
} from './faults/index.ts'
export * from './proxy/index.ts'
export { Random } from './random.ts'
export * from './sim/faults.ts'
export * from './sim/server.ts'
export * from './sim/simulation.ts'
