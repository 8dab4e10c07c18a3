/**
 * Waits until a message may be handled; what it gives ends the turn. Rejects where the message is to be given back.
 * `abort`: ends the handler, as when something is lost that it needs.
 */
export type Turn = (signal: AbortSignal, abort: (reason: unknown) => void) => Promise<() => void>

export const atOnce: Turn = async () => () => {}
