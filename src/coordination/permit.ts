import { LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, CallOptions } from '../interface.ts'
import { Lease, momentOf } from './lease.ts'
import { keep } from './lease-keeper.ts'

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
  const { runtime } = db
  const lease = new Lease(runtime, ttlMs)
  const keeping = keep({
    runtime,
    lease,
    everyMs: ttlMs / 3,
    async extend() {
      const sent = momentOf(runtime)
      await permit.extend()
      lease.grow(sent, ttlMs)
    },
    isLost: (error) => error instanceof LeaseLost,
    overdue: (cause) => new LeaseLost(`${permit.id} ran out before it could be extended`, { cause }),
    lost,
    done: done.signal,
  })
  try {
    return await fn(signal ? AbortSignal.any([signal, lost.signal]) : lost.signal)
  } finally {
    done.abort()
    await keeping
    await permit[Symbol.asyncDispose]()
  }
}
