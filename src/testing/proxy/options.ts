import type { ProxyFault, ProxyFaultRates } from './kinds.ts'
import type { ProxyRequest } from './request.ts'

/** Options of the fault proxy. */
export interface FaultProxyOptions {
  /** Where DynamoDB Local listens: `http://127.0.0.1:8000`. */
  target: string
  /** Decides the faults of the first, second, ... request. @default by chance */
  seed?: number
  /** @default none */
  rates?: ProxyFaultRates
  /** Which requests meet faults at all. @default every one */
  only?: (request: ProxyRequest) => boolean
  /**
   * The time by which signatures count for five minutes and tokens for ten. With `advance`, as a `TestClock` has it,
   * the fault `freeze` takes no real time. @default the system's
   */
  clock?: { now(): number; advance?(ms: number): void }
  /** @default 20 */
  maxDelayMs?: number
  /** @default 15 minutes with a clock that can be advanced, else 500 */
  maxFreezeMs?: number
  /**
   * A held request goes on after 1 to `replies` later replies about its rows, or after `ms` milliseconds. `Infinity`
   * for both: when `settle` is called. @default 4 and 200
   */
  hold?: { replies?: number; ms?: number }
  /** Chooses the fault of each request in place of seed and rates: for a test of one case. */
  decide?: (request: ProxyRequest) => ProxyFault | PlannedFault | undefined
  /** Called before each request is passed on, which waits for it: a rival writes between our requests. */
  between?: (request: ProxyRequest) => Promise<void> | void
  /** Called for each request when its fate is known. Must not throw. */
  onExchange?: (exchange: ProxyExchange) => void
}

/** What became of one request. */
export interface ProxyExchange {
  request: ProxyRequest
  fault?: ProxyFault
  /** The database did it, and said so to the proxy. */
  applied: boolean
  /** The caller got a reply that tells whether it was done. */
  answered: boolean
  /** It arrived after its caller was told that the connection is lost. */
  late: boolean
}

/** A fault, and for those that strike before or after the request is applied: when. */
export interface PlannedFault {
  fault: ProxyFault
  applied?: boolean
}
