/** The time of the database's process: that of the browser may be another one. */
let aheadMs = 0

/** What an answer of the server says of its time, epoch ms. */
export function setServerTime(at: number): void {
  aheadMs = at - Date.now()
}

export const serverNow = (): number => Date.now() + aheadMs
