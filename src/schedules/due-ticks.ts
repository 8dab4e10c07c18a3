import { nextTick, type ScheduleRow, timingOf } from './schedule-row.ts'
import { lastTicks } from './timing.ts'

/** What a driver does for a schedule at a moment. */
export interface DueTicks {
  /** Ticks that send their messages now, in order. */
  fire: number[]
  /** The tick after them; undefined: there is none. */
  nextAt: number | undefined
  /** Whether ticks were left out by the policy for missed ones. */
  skipped: boolean
}

/**
 * Which ticks are due by a clock that shows `now`, those of the next `leadMs` included. Ticks that are late by at most
 * the grace of the schedule are sent whatever the policy for missed ones says: a clock that is ahead by no more than that
 * leaves out none. `most`: how many are sent at once.
 */
export function dueTicks(row: ScheduleRow, now: number, leadMs: number, most: number): DueTicks {
  const { nextAt } = row
  if (nextAt === undefined || nextAt > now + leadMs) return { fire: [], nextAt, skipped: false }
  const inTime = now - row.graceSeconds * 1000
  if (nextAt >= inTime) return from(row, nextAt, now + leadMs, most)
  const [first] = madeUp(row, nextAt, inTime, now)
  const start = first ?? nextTick(row, inTime - 1)
  return { ...from(row, start, now + leadMs, most), skipped: first !== nextAt }
}

/** The missed ticks before `until` that are made up for. */
function madeUp(row: ScheduleRow, nextAt: number, until: number, now: number): number[] {
  const { missed, missedLimit } = row
  if (missed === 'skip') return []
  const end = Math.min(until, (row.endAt ?? Number.POSITIVE_INFINITY) + 1)
  if (missed === 'all') return lastTicks(timingOf(row), nextAt, end, missedLimit)
  // A later one that is due already stands for those that were missed.
  const later = nextTick(row, until - 1)
  return later !== undefined && later <= now ? [] : lastTicks(timingOf(row), nextAt, end, 1)
}

function from(row: ScheduleRow, start: number | undefined, until: number, most: number): DueTicks {
  const fire: number[] = []
  let tick = start
  while (tick !== undefined && tick <= until && fire.length < most) {
    fire.push(tick)
    tick = nextTick(row, tick)
  }
  return { fire, nextAt: tick, skipped: false }
}
