import type { Runtime } from '../../runtime.ts'
import type { SdkFault, SdkFaultRates } from './kinds.ts'

/** Options of `injectFaults`. */
export interface FaultInjectionOptions {
  /** Decides the faults of the first, second, ... request. Default: by chance; it is told either way. */
  seed?: number
  rates?: SdkFaultRates
  /** Clock, timers and chance to build on. */
  runtime?: Runtime
  /** Default 50. */
  maxDelayMs?: number
  /** Default 500. */
  maxFreezeMs?: number
  /** Default 2000. */
  maxClockStepMs?: number
  /** Told the seed, once. Default `console.log`. */
  log?: (line: string) => void
}

/** The faults of one client, as `injectFaults` returns them. */
export interface FaultInjection {
  readonly seed: number
  /** May be changed at any time. */
  rates: SdkFaultRates
  /** How often each fault was met. */
  readonly counts: Record<SdkFault, number>
  /** Requests of which the caller cannot know whether they were applied, or that were applied more than once. */
  readonly doubts: number
  /** For the database under test: its clock steps with the fault `clockStep`. */
  readonly runtime: Runtime
  /** Takes the faults out of the client again. */
  stop(): void
}
