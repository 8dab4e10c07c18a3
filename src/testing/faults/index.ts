export * from './fault-injection.ts'
export type { FaultInjection, FaultInjectionOptions } from './options.ts'
