/** What a `SimulatedServer` does to requests. */
export const simulatedFaults = [
  /** Refused for lack of throughput. */
  'throttled',
  /** Refused because another transaction writes the row. */
  'conflict',
  /** Never sent. */
  'unreachable',
  /** Lost on its way there: not applied, and the caller cannot know. */
  'lostRequest',
  /** Applied, but the reply is lost. */
  'lostReply',
  /** The caller gives up waiting first; the request is applied later. */
  'lateRequest',
  /** An unconditional write, or a transaction with its token, arrives twice. */
  'duplicate',
  /** Takes up to ten seconds. */
  'slow',
  /** Some rows of a batch are written, then the backend keeps refusing. */
  'partialWrite',
  /** An eventually consistent read is answered by a replica that lags behind. */
  'staleRead',
  /** A page or batch is read in pieces at different moments. */
  'tornRead',
] as const

/** The name of a fault of the simulated server. */
export type SimulatedFault = (typeof simulatedFaults)[number]

/** Probability of each fault per request to which it can happen, 0 to 1. */
export type SimulatedFaultRates = Partial<Record<SimulatedFault, number>>

/** Counts of the simulated faults, all zero. */
export const zeroCounts = (): Record<SimulatedFault, number> =>
  Object.fromEntries(simulatedFaults.map((fault) => [fault, 0])) as Record<SimulatedFault, number>
