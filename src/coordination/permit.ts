import { LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, CallOptions } from '../interface.ts'

/** Something held for a time. */
export interface Permit {
  readonly id: string
  /** `LeaseLost` when it has come back by itself. */
  extend(options?: CallOptions): Promise<void>
  release(options?: CallOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A permit from what extends and releases it; disposing of one that is lost already is no error. */
export function makePermit(id: string, extend: Permit['extend'], release: Permit['release']): Permit {
  return {
    id,
    extend,
    release,
    async [Symbol.asyncDispose]() {
      await release().catch((error) => {
        if (!(error instanceof LeaseLost)) throw error
      })
    },
  }
}

/** Runs the callback with a permit that is extended at a third of its time and released at the end. */
export async function withPermit<R>(
  db: AtomicDbInterface,
  permit: Permit,
  ttlMs: number,
  signal: AbortSignal | undefined,
  fn: (signal: AbortSignal) => Promise<R> | R,
): Promise<R> {
  const lost = new AbortController()
  const done = new AbortController()
  const keeping = keep(db, permit, ttlMs, lost, done.signal)
  try {
    return await fn(signal ? AbortSignal.any([signal, lost.signal]) : lost.signal)
  } finally {
    done.abort()
    await keeping
    await permit[Symbol.asyncDispose]()
  }
}

/** Extends until `done`; aborts `lost` when it is lost, and no later than at its deadline by our own clock. */
async function keep(
  db: AtomicDbInterface,
  permit: Permit,
  ttlMs: number,
  lost: AbortController,
  done: AbortSignal,
): Promise<void> {
  const { runtime } = db
  let deadline = runtime.monotonic() + ttlMs
  while (!done.aborted) {
    try {
      await runtime.sleep(Math.max(0, Math.min(ttlMs / 3, deadline - runtime.monotonic())), {
        signal: done,
        unref: true,
      })
    } catch {
      return
    }
    const sent = runtime.monotonic()
    if (sent >= deadline) {
      lost.abort(new LeaseLost(`${permit.id} ran out before it could be extended`))
      return
    }
    try {
      await permit.extend()
      deadline = sent + ttlMs
    } catch (error) {
      // Any other failure is tried again until the deadline.
      if (!(error instanceof LeaseLost)) continue
      lost.abort(error)
      return
    }
  }
}
