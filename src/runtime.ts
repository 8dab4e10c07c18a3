import { randomBytes } from 'node:crypto'
import { monotonicFactory } from 'ulid'

/** Clocks, timers and randomness in one place, so that tests and the simulator can drive them. Durations are ms. */
export interface Runtime {
  /** The wall clock, epoch ms. It may step forward or back. */
  now(): number
  /** A clock of this process that never steps, ms. Only differences have a meaning. */
  monotonic(): number
  /** Resolves after `ms`, or rejects with the reason of the signal. With `unref` it does not keep the process alive. */
  sleep(ms: number, options?: { signal?: AbortSignal; unref?: boolean }): Promise<void>
  /** A random number, uniform in [0, 1). */
  random(): number
}

/** Node fires a timer at once that is set for longer. */
export const longestTimerMs = 2 ** 31 - 1

/** Clock, timers and chance of the machine. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep(ms, { signal, unref } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const until = performance.now() + ms
      let timer: ReturnType<typeof setTimeout>
      const wait = (left: number) => {
        timer = setTimeout(done, Math.min(left, longestTimerMs))
        // In a browser it is a number, which keeps nothing alive.
        if (unref) timer.unref?.()
      }
      const done = () => {
        const left = until - performance.now()
        if (ms > longestTimerMs && left > 0) return wait(left)
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      wait(ms)
    })
  },
}

/** One moment by both clocks of a process. Differences are in milliseconds. */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** The moment now. Take it before a request is sent: what the request confirms counts from then on. */
export const momentOf = (runtime: Pick<Runtime, 'now' | 'monotonic'>): Moment => ({
  wall: runtime.now(),
  monotonic: runtime.monotonic(),
})

/** How far the wall clock may seem to fall behind because it counts whole milliseconds, ms. */
const jitterMs = 10

/**
 * Measures the milliseconds since `since` by the clock that shows more: the monotonic clock stands still while a
 * machine is suspended, the wall clock does not. A backward step of the wall clock is ignored. The result never
 * decreases. A suspension and a backward step between two calls cancel each other out and are not noticed.
 */
export function stopwatch(runtime: Runtime, since: Moment = momentOf(runtime)): () => number {
  // How far the wall clock is ahead of the monotonic one: at first, at most since, and what earlier steps closed.
  let base = since.wall - since.monotonic
  let peak = base
  let closed = 0
  return () => {
    const { wall, monotonic } = momentOf(runtime)
    const lead = wall - monotonic
    if (lead > peak) peak = lead
    else if (lead < peak - jitterMs) {
      closed += peak - base
      base = lead
      peak = lead
    }
    return monotonic - since.monotonic + closed + (peak - base)
  }
}

const sources = new WeakMap<Runtime, () => string>()

/**
 * The ULID source of a runtime. All databases on the system clock share one, so that ids sort in the order in which
 * the process made them, also when the clock steps back.
 */
export function ulidSource(runtime: Runtime): () => string {
  let source = sources.get(runtime)
  if (!source) {
    const next = monotonicFactory(runtime === systemRuntime ? systemChance() : () => runtime.random())
    source = () => next(runtime.now())
    sources.set(runtime, source)
  }
  return source
}

/**
 * The system's randomness for ULIDs, drawn for the 16 characters of one at a time: a draw for each of them takes ten times
 * as long. Nothing is kept for the next ULID, which another process may make that is restored from the same snapshot.
 */
function systemChance(): () => number {
  let bytes = Buffer.alloc(0)
  let left = 0
  return () => {
    if (left === 0) {
      bytes = randomBytes(16)
      left = 16
    }
    return bytes[--left]! / 256
  }
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_'

const prefixLifeMs = 1000

/**
 * Short unique ids (a random prefix of 60 bits and a count) for write ids, receipts and tokens. A new prefix is drawn
 * every second from the system's randomness, not from `Math.random`: processes that are restored from one snapshot (a
 * cloned machine, a Lambda) share the state of `Math.random` and must not make the same ids.
 */
export function idSource(runtime: Runtime): () => string {
  const isSystem = runtime.random === systemRuntime.random
  let prefix = ''
  let drawn = Number.NEGATIVE_INFINITY
  let count = 0
  return () => {
    const now = runtime.now()
    if (Math.abs(now - drawn) >= prefixLifeMs) {
      if (isSystem || prefix === '') prefix = randomPrefix(isSystem ? undefined : runtime)
      drawn = now
    }
    return prefix + (count++).toString(36)
  }
}

function randomPrefix(runtime: Runtime | undefined): string {
  const bytes = runtime ? undefined : randomBytes(10)
  let prefix = ''
  for (let i = 0; i < 10; i++)
    prefix += alphabet[runtime ? Math.floor(runtime.random() * 64) : bytes![i]! % 64]
  return prefix
}
