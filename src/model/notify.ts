/** Calls an observer. It must not change what happens: what it throws or rejects with is ignored. */
export function notify<E>(observer: ((event: E) => unknown) | undefined, event: E): void {
  try {
    const answer = observer?.(event) as PromiseLike<unknown> | undefined
    if (typeof answer?.then === 'function') answer.then(undefined, () => {})
  } catch {}
}
