/** What a connection is to the request that it carries. */
export interface Carrier {
  /** Sends this in one piece. Whether all of it has left; else `written` is called when it has. */
  write(text: string): boolean
  /** The request is over, and its reply was read to the end: the next one may come. */
  release(): void
  /** The request is over, and what comes of it is not known: nobody may use the connection again. */
  destroy(): void
}

/** What a request is to the connection that carries it. */
export interface Carried {
  /** A connection is made for it. */
  connecting(carrier: Carrier): void
  /** There is a connection. False: it is not wanted any more, and nothing was sent. */
  send(carrier: Carrier): boolean
  /** What was to be sent has left. */
  written(): void
  read(chunk: Buffer): void
  /** The other side sends nothing more. */
  ended(): void
  /** The connection is gone, or was never made. */
  lost(problem: unknown): void
}
