/** What a statement returns. */
export interface PostgresResult {
  rows: unknown[]
  rowCount: number | null
}

/** A connection of a pool of `pg`. */
export interface PostgresClient {
  query(statement: { text: string; values?: unknown[]; name?: string }): Promise<PostgresResult>
  /** With `true` the connection is closed. */
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** `Pool` of `pg`, or whatever else gives connections as it does. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on?(event: 'error', listener: (error: Error) => void): unknown
}
