/**
 * How far a request came that ended with an error. Transports note it, `faults.ts` asks: an error that nothing is known
 * of was thrown before anything left.
 */
const sent = new WeakSet<object>()
const unconnected = new WeakSet<object>()
const renewed = new WeakSet<object>()

/** The request may have left this process before the error. */
export function noteSent(error: object): void {
  sent.add(error)
}

/** Whether this error may have been thrown after the request reached the socket. */
export const mayBeAfterSending = (error: object): boolean => sent.has(error)

/** No connection was made, so that nothing has left. */
export function noteUnconnected(error: object): void {
  unconnected.add(error)
}

export const wasUnconnected = (error: object): boolean => unconnected.has(error)

/** Refused for its signature; the next request is signed with another clock or other credentials. */
export function noteRenewed(error: object): void {
  renewed.add(error)
}

export const isRenewed = (error: object): boolean => renewed.has(error)
