import type { RetryOptions } from '../../../src/engine/retry.ts'
import { type ProxyFault, type ProxyFaultRates, proxyFaults } from '../../../src/testing/proxy/index.ts'
import type { Random } from '../../../src/testing/random.ts'

/** How a client of a run is made. */
export interface ClientPlan {
  /** Tries of the SDK; undefined: its default. */
  maxAttempts: number | undefined
  /** The clock that it signs by: right, hours beside, or that of the system, which the SDK has to correct. */
  signing: 'clock' | 'skewed' | 'system'
  offsetMs: number
}

/** Everything that a seed decides about a run before it begins. */
export interface WirePlan {
  /** `lru`: every three actors share a cache. `rivals`: somebody writes between any two requests. */
  mode: 'plain' | 'lru' | 'rivals'
  clients: number
  /** Seconds of the run's clock in a real one. */
  speed: number
  rates: ProxyFaultRates
  /** Which requests meet faults; undefined: all. Fewer doubts let the checkers see more. */
  focus: 'transactions' | undefined
  /** For how long requests are held up. */
  hold: { replies: number; ms: number }
  /** Of the library; undefined: its defaults. */
  retry: RetryOptions | undefined
  /** How often a call meets throttling alone, or is aborted. */
  storms: number
  aborts: number
  cache: { maxItems: number; maxAgeMs: number | undefined }
}

const usual = [0.005, 0.02, 0.05] as const
const unusual: Partial<Record<ProxyFault, readonly number[]>> = {
  freeze: [0.0005, 0.002],
  connect: [0.05, 0.3],
  staleRead: [0.2],
  partialBatch: [0.1, 0.5],
}

/** Which client is proven: the SDK's, or our own. */
export type WireTransport = 'sdk' | 'direct'

/** The SDK does not look at the checksum of a reply. */
export const faultsOf = (transport: WireTransport): readonly ProxyFault[] =>
  transport === 'direct' ? proxyFaults : proxyFaults.filter((fault) => fault !== 'corrupt')

/** Each run has some of the faults, at rates of its own: a run with all of them all the time never gets far. */
function chooseRates(random: Random, transport: WireTransport): ProxyFaultRates {
  const rates: ProxyFaultRates = {}
  for (const fault of faultsOf(transport))
    if (random.chance(0.6)) rates[fault] = random.pick(unusual[fault] ?? usual)
  return rates
}

export function choosePlan(random: Random, transport: WireTransport = 'sdk'): WirePlan {
  const mode = random.pick(['plain', 'plain', 'lru', 'rivals'] as const)
  return {
    mode,
    clients: random.pick([4, 12, 24]),
    speed: random.pick([1, 20, 60, 60, 300, 300]),
    rates: chooseRates(random, transport),
    focus: random.pick(['transactions', undefined, undefined] as const),
    hold: random.pick([
      { replies: 4, ms: 200 },
      { replies: 30, ms: 1500 },
    ]),
    // The defaults, and the extremes.
    retry: random.pick([
      undefined,
      undefined,
      undefined,
      { attempts: 1 },
      { attempts: 3, baseMs: 1, maxMs: 2 },
    ]),
    storms: random.pick([0, 0.003]),
    aborts: random.pick([0, 0.01]),
    cache: { maxItems: random.pick([2, 1000]), maxAgeMs: random.pick([undefined, 500, 5000]) },
  }
}

export const chooseClient = (random: Random): ClientPlan => ({
  maxAttempts: random.pick([undefined, 1]),
  signing: random.pick(['clock', 'clock', 'clock', 'skewed', 'system'] as const),
  offsetMs: Math.round(random.between(-500, 500)),
})
