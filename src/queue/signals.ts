/** Aborts the controller with the signal. Returns a function that ends this, so that a long-lived signal keeps nothing. */
export function follow(controller: AbortController, signal: AbortSignal): () => void {
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** Rejects as soon as one of the signals is aborted; removes its listeners in any case. */
export function orAborted<R>(work: Promise<R>, ...signals: AbortSignal[]): Promise<R> {
  return new Promise((resolve, reject) => {
    const listeners = signals.map((signal) => {
      const abort = () => reject(signal.reason)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
      return () => signal.removeEventListener('abort', abort)
    })
    work.then(resolve, reject).finally(() => {
      for (const remove of listeners) remove()
    })
  })
}
