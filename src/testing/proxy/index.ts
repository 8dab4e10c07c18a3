export * from './fault-proxy.ts'
export type { FaultProxyOptions } from './options.ts'
