import { describe, expect, it } from 'vitest'
import { dueTicks } from '../../src/schedules/due-ticks.ts'
import type { ScheduleRow } from '../../src/schedules/schedule-row.ts'

const base: ScheduleRow = {
  revision: 'r',
  everyMs: 1000,
  anchor: 0,
  missed: 'one',
  missedLimit: 3,
  graceSeconds: 2,
  message: { pk: 'q' },
  nextAt: 10_000,
  fired: 0,
}
const due = (row: Partial<ScheduleRow>, now: number, leadMs = 0, most = 50) =>
  dueTicks({ ...base, ...row }, now, leadMs, most)

describe('in time', () => {
  it('nothing before its lead', () => {
    expect(due({}, 7999, 2000)).toEqual({ fire: [], nextAt: 10_000, skipped: false })
  })

  it('all within the lead', () => {
    expect(due({}, 8000, 2000)).toEqual({ fire: [10_000], nextAt: 11_000, skipped: false })
    expect(due({}, 10_500, 2000)).toEqual({ fire: [10_000, 11_000, 12_000], nextAt: 13_000, skipped: false })
  })

  it('late by the grace is in time, whatever is missed', () => {
    for (const missed of ['skip', 'one', 'all'] as const)
      expect(due({ missed }, 12_000)).toEqual({
        fire: [10_000, 11_000, 12_000],
        nextAt: 13_000,
        skipped: false,
      })
  })

  it('no more than fit into one transaction', () => {
    expect(due({ graceSeconds: 100 }, 60_000, 0, 2)).toEqual({
      fire: [10_000, 11_000],
      nextAt: 12_000,
      skipped: false,
    })
  })

  it('none behind the end', () => {
    expect(due({ endAt: 11_000 }, 12_000)).toEqual({
      fire: [10_000, 11_000],
      nextAt: undefined,
      skipped: false,
    })
  })

  it('nothing of a paused one', () => {
    expect(due({ nextAt: undefined }, 12_000)).toEqual({ fire: [], nextAt: undefined, skipped: false })
  })
})

describe('missed', () => {
  it('skip leaves them out', () => {
    expect(due({ missed: 'skip' }, 20_500)).toEqual({ fire: [19_000, 20_000], nextAt: 21_000, skipped: true })
    expect(due({ missed: 'skip', everyMs: 60_000 }, 70_000)).toEqual({
      fire: [],
      nextAt: 120_000,
      skipped: true,
    })
  })

  it('one sends the last of them, unless a later one is in time', () => {
    expect(due({ missed: 'one' }, 20_500)).toEqual({ fire: [19_000, 20_000], nextAt: 21_000, skipped: true })
    expect(due({ missed: 'one', everyMs: 7000, nextAt: 7000 }, 20_000)).toEqual({
      fire: [14_000],
      nextAt: 21_000,
      skipped: true,
    })
    expect(due({ missed: 'one', everyMs: 7000, nextAt: 14_000 }, 20_000)).toEqual({
      fire: [14_000],
      nextAt: 21_000,
      skipped: false,
    })
  })

  it('all sends each, up to its limit', () => {
    expect(due({ missed: 'all' }, 14_500)).toEqual({
      fire: [10_000, 11_000, 12_000, 13_000, 14_000],
      nextAt: 15_000,
      skipped: false,
    })
    expect(due({ missed: 'all' }, 20_500)).toEqual({
      fire: [16_000, 17_000, 18_000, 19_000, 20_000],
      nextAt: 21_000,
      skipped: true,
    })
  })

  it('a schedule that is over meanwhile sends what it was to send', () => {
    expect(due({ missed: 'one', endAt: 12_000 }, 60_000)).toEqual({
      fire: [12_000],
      nextAt: undefined,
      skipped: true,
    })
    expect(due({ missed: 'skip', endAt: 12_000 }, 60_000)).toEqual({
      fire: [],
      nextAt: undefined,
      skipped: true,
    })
    expect(due({ missed: 'all', endAt: 11_000 }, 60_000)).toEqual({
      fire: [10_000, 11_000],
      nextAt: undefined,
      skipped: false,
    })
  })
})
