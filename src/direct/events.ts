/** One request that has ended. It names no key, no data and no credentials. */
export interface DirectRequestEvent {
  /** `GetItem`, `TransactWriteItems`, ... */
  operation: string
  /** The table, where the request names one. */
  table: string | undefined
  /** Host and port that it went to. */
  host: string
  /** 1 for the first try, 2 for its repeat. */
  attempt: number
  /** When it began, epoch ms. */
  startedAt: number
  /** How long it took, ms: credentials, signature, connection and reply. */
  ms: number
  /** The HTTP status; undefined without a reply. */
  status: number | undefined
  /** AWS's own number of the request, for their support. */
  requestId: string | undefined
  /** Capacity units of all tables and items together, with `consumedCapacity`. */
  units: number | undefined
  /** The name of the error: `ProvisionedThroughputExceededException`, `ECONNREFUSED`. */
  error: string | undefined
}

/** What came of a request, as far as it is known. */
export interface Seen {
  status?: number | undefined
  requestId?: string | undefined
  output?: unknown
  error?: unknown
}

type Sent = Pick<DirectRequestEvent, 'operation' | 'host' | 'attempt' | 'startedAt' | 'ms'> & {
  input: object
}

/** The event of a request that has ended. */
export const eventOf = (
  { input, ...sent }: Sent,
  { status, requestId, output, error }: Seen,
): DirectRequestEvent => ({
  ...sent,
  table: tableOf(input),
  status,
  requestId,
  units: unitsOf(output),
  error: errorName(error),
})

/** The sum over what a reply says about consumed capacity. */
function unitsOf(output: unknown): number | undefined {
  const consumed = (output as { ConsumedCapacity?: unknown } | undefined)?.ConsumedCapacity
  if (typeof consumed !== 'object' || consumed === null) return undefined
  const parts = (Array.isArray(consumed) ? consumed : [consumed]) as ({ CapacityUnits?: number } | null)[]
  return parts.reduce((sum, part) => sum + (part?.CapacityUnits ?? 0), 0)
}

/** The name of an error without its text. */
function errorName(error: unknown): string | undefined {
  if (error === undefined) return undefined
  if (!(error instanceof Error)) return typeof error
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}

/** The only table that a request names. */
function tableOf(input: object): string | undefined {
  const { TableName, RequestItems } = (input ?? {}) as { TableName?: unknown; RequestItems?: object }
  if (typeof TableName === 'string') return TableName
  const names = RequestItems ? Object.keys(RequestItems) : []
  return names.length === 1 ? names[0] : undefined
}
