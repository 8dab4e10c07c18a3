/** What `injectFaults` does to the requests of an SDK client. */
export const sdkFaults = [
  /** The request is applied, then the connection breaks: ECONNRESET instead of the reply. */
  'dropReply',
  /** The connection breaks before the request is sent. */
  'reset',
  /** The request or its reply takes longer, up to `maxDelayMs`. */
  'delay',
  /** An unconditional write, or a transaction with its token, is sent twice. */
  'duplicate',
  /** ProvisionedThroughputExceededException, or ThrottlingException. Not applied. */
  'throttle',
  /** HTTP 500, before or after the request is applied. */
  'serverError',
  /** TransactionConflictException, or TransactionCanceledException with the reason TransactionConflict. Not applied. */
  'conflict',
  /** A batch is done in part; the rest comes back as UnprocessedItems or UnprocessedKeys. */
  'partialBatch',
  /** An eventually consistent read gets an older reply of the same read. */
  'staleRead',
  /** Nothing is sent or received for up to `maxFreezeMs`: a frozen Lambda. */
  'freeze',
  /** The clock of `injection.runtime` steps by up to `maxClockStepMs` either way. */
  'clockStep',
] as const

/** The name of a fault of `injectFaults`. */
export type SdkFault = (typeof sdkFaults)[number]

/** Probability of each fault per request to which it can happen, 0 to 1. */
export type SdkFaultRates = Partial<Record<SdkFault, number>>

export const zeroSdkCounts = (): Record<SdkFault, number> =>
  Object.fromEntries(sdkFaults.map((fault) => [fault, 0])) as Record<SdkFault, number>
