import { AtomicDbError, BackendError, OutcomeUnknown, RaceCondition, Throttled } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../interface.ts'
import { checkOptions, checkSignal, milliseconds } from '../model/checks.ts'
import { timeLeftOf } from '../model/time-left.ts'
import { atLeastOne, boundOf } from './call-time.ts'
import { LateReply } from './lease-claim.ts'
import type { MutexState } from './mutex/mutex-row.ts'

/** How long to wait for others, and how often to look. */
export interface WaitOptions extends CallOptions {
  /** How long to wait at most, ms. 0: one try. @default no limit */
  timeoutMs?: number
  /** Longest wait between two looks (1 RRU each), ms, with jitter; looks begin 25 ms apart. @default 250 */
  pollMs?: number
}

export const waitOptionNames = ['signal', 'timeoutMs', 'pollMs'] as const

export function checkWait(options: WaitOptions, more: readonly string[] = []): void {
  checkOptions(options, [...waitOptionNames, ...more])
  checkSignal(options.signal, 'signal')
  if (options.pollMs !== undefined) milliseconds(options.pollMs, 'pollMs')
  if (options.timeoutMs !== undefined) milliseconds(options.timeoutMs, 'timeoutMs', { zero: true })
}

const never = Number.POSITIVE_INFINITY

/** For how long a waiter survives errors of the backend without one good answer, ms. */
const patienceMs = 60_000

/** It stayed with others until the time was up. */
export class NotAcquired extends AtomicDbError {
  static override readonly code = 'NotAcquired'
  /** Of a mutex: who has it. */
  readonly state: MutexState | undefined

  constructor(message: string, key: AtomicDbItemKey, state?: MutexState) {
    super(message, { keys: [key] })
    this.state = state
  }
}

export interface Waiting<R> {
  /** `call`: for its requests. */
  attempt(call: CallOptions): Promise<R>
  succeeded(answer: R): boolean
  /** A look (a read) that says when another attempt is worth a write, so that waiting does not write. */
  probe(call: CallOptions): Promise<boolean>
  /** How far apart looks are at most, ms, if the caller did not say. */
  slowestMs?(): number
  /** Something has changed that makes it worth looking often again. */
  isNear?(): boolean
}

/** Tries until it succeeds or the time is up; returns the last answer. */
export async function waitFor<R>(
  db: AtomicDbItemsInterface,
  options: WaitOptions,
  { attempt, succeeded, probe, slowestMs = () => 250, isNear = () => false }: Waiting<R>,
): Promise<R> {
  const { timeoutMs = never, signal } = options
  const { runtime } = db
  const started = runtime.monotonic()
  const left = () => Math.min(timeoutMs - (runtime.monotonic() - started), timeLeftOf(db))
  const call: CallOptions = {
    signal,
    // The time that is left to wait, but not longer than a call of this database may take by itself.
    get timeoutMs() {
      const most = Math.min(timeoutMs === 0 ? never : left(), boundOf(db))
      return most === never ? undefined : atLeastOne(most)
    },
  }
  const survive = survivor(db, signal, left)
  let answer = await survive(() => attempt(call))
  for (let turn = 0; answer === undefined || !succeeded(answer.of); turn++) {
    signal?.throwIfAborted()
    if (left() <= 0) {
      if (answer) return answer.of
      throw survive.trouble
    }
    const bound = Math.min(options.pollMs ?? slowestMs(), 25 * 2 ** Math.min(turn, 10))
    await runtime.sleep(Math.max(1, Math.min(left(), bound * (0.5 + runtime.random()))), { signal })
    const worth: { of: boolean } | undefined = answer ? await survive(() => probe(call)) : { of: true }
    if (worth?.of) answer = (await survive(() => attempt(call))) ?? answer
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
 * Throttling, lost and late replies, and rows that others keep writing are survived. Any other error of the backend
 * may be permanent (no permission): it is survived only after a call has worked, or when the time is up.
 */
function survivor(
  { runtime }: AtomicDbItemsInterface,
  signal: AbortSignal | undefined,
  left: () => number,
): Survivor {
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
        error instanceof LateReply ||
        error instanceof RaceCondition ||
        ((worked || left() < 1) && error instanceof BackendError)
      troubledSince ??= runtime.monotonic()
      if (!passes || runtime.monotonic() - troubledSince > patienceMs) throw error
      survive.trouble = error
      return undefined
    }
  }) as Survivor
  return survive
}
