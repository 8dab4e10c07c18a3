import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { checkDb, checkFunction, milliseconds } from '../model/checks.ts'
import { checkSchedulesPk } from './definition.ts'
import type { Driving, ScheduleEvent } from './fire-due.ts'

/** What all drivers of schedules have in common. */
export interface DriverOptions {
  /** The partition of the schedules. @default 'lockrow#schedules' */
  pk?: string
  /**
   * How long before its tick a message may be sent, ms, at most a day. It is given out at the tick all the same, by the
   * clock of the consumer; what is paused, changed or removed within this time may still come once.
   * @default 2000; in a Lambda 90000, so that one run a minute misses nothing
   */
  leadMs?: number
  /** Called for every tick, and for what goes wrong. What it throws or rejects with is ignored. */
  onEvent?: (event: ScheduleEvent) => unknown
}

/** What is sent cannot be changed any more, ms. */
const longestLeadMs = 86_400_000

/** Checked, with the defaults of a driver. */
export function drivingOf(db: AtomicDbInterface, options: DriverOptions, defaultLeadMs: number): Driving {
  checkDb(db)
  const { leadMs = defaultLeadMs, onEvent } = options
  milliseconds(leadMs, 'leadMs', { zero: true })
  if (leadMs > longestLeadMs)
    throw new InvalidInput('leadMs', 'must be at most a day', { limit: longestLeadMs, given: String(leadMs) })
  if (onEvent !== undefined) checkFunction(onEvent, 'onEvent')
  return { pk: checkSchedulesPk(options.pk), leadMs, onEvent }
}
