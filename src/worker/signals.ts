import { setMaxListeners } from 'node:events'

/** A controller whose signal many wait on at once: Node would warn of a leak at eleven. */
export function sharedController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

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
