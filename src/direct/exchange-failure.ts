/** How a request ended without a whole reply. `code` is Node's, or one of ours. */
export class ExchangeFailure extends Error {
  readonly code: string
  /** Whether anything may have left. False: no connection was made. */
  readonly isSent: boolean

  constructor(code: string, message: string, isSent: boolean, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.isSent = isSent
  }
}
