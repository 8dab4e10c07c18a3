import { setMaxListeners } from 'node:events'

/** Many writes at once listen to it. */
export function ownSignal(signal: AbortSignal): AbortSignal {
  const own = AbortSignal.any([signal])
  setMaxListeners(0, own)
  return own
}

/** Works on all of them, a few at a time. Of several errors it throws one, when nothing is under way any more. */
export async function eachAtOnce<T>(
  concurrency: number,
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = [...all].reverse()
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one)
  }
  // Nothing goes on behind the back of whoever gets the error.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(concurrency, all.length) }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
}
