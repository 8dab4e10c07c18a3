import { checkBoolean, checkFunction, milliseconds } from '../model/checks.ts'
import type { HeldLease, KeepOptions } from './held-lease.ts'
import type { Fence, Lease } from './lease.ts'
import { checkWait, type WaitOptions } from './wait-for.ts'

/** What the callback of `run` gets. */
export interface LeaseRun<Token extends number | undefined = number | undefined> {
  /** Aborted when the lease is lost, or the work is to end: stop writing. */
  signal: AbortSignal
  /** Of mutexes and writers. */
  fencingToken: Token
  lease: Lease<Token>
}

/** Options of `run`: how long to wait for the lease, and how to keep it. */
export interface RunOptions extends WaitOptions, KeepOptions {}

const keepOptionNames = ['extend', 'onWarning', 'warnMs'] as const

function checkKeep({ extend, onWarning, warnMs }: KeepOptions): void {
  checkBoolean(extend, 'extend')
  if (onWarning !== undefined) checkFunction(onWarning, 'onWarning')
  if (warnMs !== undefined) milliseconds(warnMs, 'warnMs')
}

type Settled<R> = { result: R } | { error: unknown }

/** Runs the callback and extends the lease meanwhile. `ending`: more signals that end the callback. Never rejects. */
export async function whileHeld<R>(
  held: HeldLease,
  options: KeepOptions,
  ending: readonly (AbortSignal | undefined)[],
  fn: (signal: AbortSignal) => Promise<R> | R,
): Promise<{ settled: Settled<R>; lost: AbortSignal }> {
  const lost = new AbortController()
  const run = new AbortController()
  const done = new AbortController()
  const unfollow = [lost.signal, ...ending].map((signal) => follow(signal, run))
  const keeping = held.keepUntil(done.signal, lost, options)
  const settled = await settle(() => fn(run.signal))
  done.abort()
  await keeping
  held.endIfOver(lost)
  for (const stop of unfollow) stop()
  return { settled, lost: lost.signal }
}

/**
 * Acquires a lease, runs the callback, extends the lease meanwhile and gives it back. Rejects with `LeaseLost` when it
 * was lost, unless the callback threw: that error takes precedence. `ending`: more signals that end the callback.
 */
export async function runWithLease<Token extends Fence, R>(
  acquire: (wait: WaitOptions) => Promise<HeldLease<Token>>,
  fn: (run: LeaseRun<Token>) => Promise<R> | R,
  options: RunOptions,
  ending: readonly (AbortSignal | undefined)[] = [],
): Promise<R> {
  checkFunction(fn, 'fn')
  checkWait(options, keepOptionNames)
  checkKeep(options)
  const { signal, timeoutMs, pollMs } = options
  const held = await acquire({ signal, timeoutMs, pollMs })
  const { fencingToken } = held
  const { settled, lost } = await whileHeld(held, options, [signal, ...ending], (running) =>
    fn({ signal: running, fencingToken, lease: held }),
  )
  const released = await settle(() => held.release())
  // The callback's own error must not be hidden by what became of the lease.
  if ('error' in settled) throw settled.error
  if (lost.aborted) throw lost.reason
  if ('error' in released) throw released.error
  return settled.result
}

async function settle<R>(call: () => Promise<R> | R): Promise<Settled<R>> {
  try {
    return { result: await call() }
  } catch (error) {
    return { error }
  }
}

/**
 * Aborts the controller with the signal, until the function that it returns is called. (`AbortSignal.any` is not
 * released while a long-lived source exists.)
 */
export function follow(signal: AbortSignal | undefined, run: AbortController): () => void {
  if (!signal) return () => {}
  const abort = () => run.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
