import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { milliseconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { type LambdaContext, remainingMs } from '../worker/remaining-time.ts'
import { type DriverOptions, drivingOf } from './driver-options.ts'
import { type Fired, fireDue } from './fire-due.ts'

/** Options of `schedulesLambda`. */
export interface SchedulesLambdaOptions extends DriverOptions {
  /**
   * How long before the end of the invocation it stops, ms.
   * @default 2000, or a quarter of the time of the invocation where that is less
   */
  reserveMs?: number
}

const checkOptions = /* @__PURE__ */ optionsCheck<SchedulesLambdaOptions>(() => [
  { pk: true, leadMs: true, onEvent: true, reserveMs: true },
  { lookMs: 'is for Scheduler: how often it runs, the schedule of the function says' },
])

type SchedulesLambda = (event: unknown, context: LambdaContext) => Promise<Fired>

/**
 * A Lambda handler that sends the messages of all schedules that are due, within the time of its invocation. Run it by
 * `addScheduler` of `AtomicTable`, or by any rule of EventBridge, at least every `leadMs`: what is due within that time is
 * sent ahead, and given out at its tick. Cost: that of `Scheduler`, 0.5 RRU a run. The answer is for logs.
 *
 * @throws InvalidInput for an invocation that leaves no time.
 * @example
 * ```ts
 * export const handler = schedulesLambda(db)
 * ```
 */
export function schedulesLambda(
  db: AtomicDbInterface,
  options: SchedulesLambdaOptions = {},
): SchedulesLambda {
  checkOptions(options)
  const driving = drivingOf(db, options, 90_000)
  if (options.reserveMs !== undefined) milliseconds(options.reserveMs, 'reserveMs', { zero: true })
  return async (_event, context) => {
    const left = remainingMs(context)
    const timeMs = left - (options.reserveMs ?? Math.min(2000, left / 4))
    if (!(timeMs > 0)) throw new InvalidInput('reserveMs', 'leaves no time: give the function more')
    const [ending, done] = [new AbortController(), new AbortController()]
    const timer = db.runtime.sleep(timeMs, { signal: done.signal }).then(
      () => ending.abort(new Error('the time of this invocation is up')),
      () => {},
    )
    try {
      return await fireDue(db, { ...driving, signal: ending.signal })
    } finally {
      done.abort()
      await timer
    }
  }
}
