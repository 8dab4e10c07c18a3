import type { Random } from 'lockrow/testing'

/** How often a request is refused for lack of throughput, and how often its reply is lost. */
export const faultRates = { throttled: 0.03, lostReply: 0.02, lateRequest: 0.005 } as const

/** What becomes of a request to the queue service. */
export interface Dice {
  latencyMs(): number
  fault(): 'throttled' | 'no reply' | undefined
}

export function diceOf(random: Random): Dice {
  return {
    latencyMs: () => random.between(3, 10),
    fault: () =>
      random.chance(faultRates.throttled)
        ? 'throttled'
        : random.chance(faultRates.lostReply)
          ? 'no reply'
          : undefined,
  }
}
