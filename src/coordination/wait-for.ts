import { BackendError, OutcomeUnknown, Throttled } from '../errors.ts'
import type { AtomicDbInterface, CallOptions } from '../interface.ts'
import { checkOptions, milliseconds } from '../model/checks.ts'

export interface WaitOptions extends CallOptions {
  /** How long to wait at most, ms. 0: one try. @default no limit */
  timeoutMs?: number
  /** Longest wait between two looks (1 RRU each), ms, with jitter; looks begin 25 ms apart. @default 250 */
  pollMs?: number
}

export const waitOptionNames = ['signal', 'timeoutMs', 'pollMs'] as const

export function checkWait(options: WaitOptions, more: readonly string[] = []): void {
  checkOptions(options, [...waitOptionNames, ...more])
  if (options.pollMs !== undefined) milliseconds(options.pollMs, 'pollMs')
  if (options.timeoutMs !== undefined) milliseconds(options.timeoutMs, 'timeoutMs', { zero: true })
}

/** A waiter survives trouble of the backend for so long without one good answer, ms. */
const patienceMs = 60_000

export interface Waiting<R> {
  attempt(): Promise<R>
  succeeded(answer: R): boolean
  /** A look (a read) that says when another attempt is worth a write, so that waiting does not write. */
  probe(): Promise<boolean>
  /** How far apart looks are at most, ms, if the caller did not say. */
  slowestMs?(): number
  /** Something has changed that makes it worth looking often again. */
  isNear?(): boolean
}

/** Tries until it succeeds or the time is up; returns the last answer. */
export async function waitFor<R>(
  db: AtomicDbInterface,
  options: WaitOptions,
  { attempt, succeeded, probe, slowestMs = () => 250, isNear = () => false }: Waiting<R>,
): Promise<R> {
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options
  const { runtime } = db
  const started = runtime.monotonic()
  const left = () => timeoutMs - (runtime.monotonic() - started)
  const survive = survivor(db, signal)
  let answer = await survive(attempt)
  for (let turn = 0; answer === undefined || !succeeded(answer.of); turn++) {
    signal?.throwIfAborted()
    if (left() <= 0) {
      if (answer) return answer.of
      throw survive.trouble
    }
    const bound = Math.min(options.pollMs ?? slowestMs(), 25 * 2 ** Math.min(turn, 10))
    await runtime.sleep(Math.max(1, Math.min(left(), bound * (0.5 + runtime.random()))), { signal })
    const worth: { of: boolean } | undefined = answer ? await survive(probe) : { of: true }
    if (worth?.of) answer = (await survive(attempt)) ?? answer
    if (isNear()) turn = -1
  }
  return answer.of
}

interface Survivor {
  /** The result, or undefined: the backend is in trouble. */
  <T>(call: () => Promise<T>): Promise<{ of: T } | undefined>
  /** What the trouble was. */
  trouble: unknown
}

/**
 * Throttling and lost replies pass. Another error of the backend may be for ever (no permission): it passes only
 * once something has worked.
 */
function survivor({ runtime }: AtomicDbInterface, signal: AbortSignal | undefined): Survivor {
  let troubledSince: number | undefined
  let worked = false
  const survive = (async <T>(call: () => Promise<T>) => {
    try {
      const of = await call()
      troubledSince = undefined
      worked = true
      return { of }
    } catch (error) {
      signal?.throwIfAborted()
      const passes =
        error instanceof Throttled ||
        error instanceof OutcomeUnknown ||
        (worked && error instanceof BackendError)
      troubledSince ??= runtime.monotonic()
      if (!passes || runtime.monotonic() - troubledSince > patienceMs) throw error
      survive.trouble = error
      return undefined
    }
  }) as Survivor
  return survive
}
