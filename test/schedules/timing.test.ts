import { describe, expect, it } from 'vitest'
import { checkCron, lastTicks, type Timing, tickAfter } from '../../src/schedules/timing.ts'

const at = (text: string) => Date.parse(`${text}Z`)
const shown = (time: number | undefined) =>
  time === undefined ? undefined : new Date(time).toISOString().slice(0, 16)

function ticks(timing: Timing, from: string, count: number): (string | undefined)[] {
  const found: (string | undefined)[] = []
  for (let tick = tickAfter(timing, at(from) - 1); found.length < count; tick = tickAfter(timing, tick))
    if (tick === undefined) return [...found, undefined]
    else found.push(shown(tick))
  return found
}

describe('where clocks jump', () => {
  it.each([
    [
      'a time that is left out comes when the clock has jumped',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'a time that comes twice is one tick',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'every half hour goes on through both hours',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30',
      [
        '2026-10-24T23:30',
        '2026-10-25T00:00',
        '2026-10-25T00:30',
        '2026-10-25T01:00',
        '2026-10-25T01:30',
        '2026-10-25T02:00',
      ],
    ],
    [
      'midnight that does not exist',
      '0 0 * * *',
      'America/Sao_Paulo',
      '2018-11-03T12:00',
      ['2018-11-04T03:00', '2018-11-05T02:00'],
    ],
    [
      'half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T12:00',
      ['2026-10-03T15:30', '2026-10-04T15:15'],
    ],
    [
      'in UTC nothing jumps',
      '30 2 * * *',
      'UTC',
      '2026-03-29T00:00',
      ['2026-03-29T02:30', '2026-03-30T02:30'],
    ],
  ])('%s', (_, cron, timezone, from, expected) => {
    expect(ticks({ cron, timezone }, from, expected.length)).toEqual(expected)
  })

  it('the ticks are the same from wherever one asks, ahead and back', () => {
    const jumps = [
      ['Europe/Berlin', '2026-03-28T22:00'],
      ['Europe/Berlin', '2026-10-24T22:00'],
      ['America/New_York', '2026-11-01T03:00'],
      ['Australia/Lord_Howe', '2026-10-03T13:00'],
      ['Pacific/Apia', '2011-12-29T20:00'],
    ] as const
    for (const [timezone, text] of jumps)
      for (const cron of ['30 2 * * *', '*/20 * * * *', '15 1-3 * * *', '0 0 * * *', '45 30 1,2 * * *']) {
        const timing = { cron, timezone }
        const [begin, end] = [at(text), at(text) + 8 * 3_600_000]
        const all: number[] = []
        for (
          let tick = tickAfter(timing, begin);
          tick !== undefined && tick < end;
          tick = tickAfter(timing, tick)
        )
          all.push(tick)
        for (let from = begin; from < end; from += 11 * 60_000) {
          const later = all.find((tick) => tick > from)
          if (later !== undefined) expect(tickAfter(timing, from), `${cron} ${timezone}`).toBe(later)
        }
        expect(lastTicks(timing, begin + 1, end, all.length + 3), `${cron} ${timezone}`).toEqual(all)
      }
  })
})

describe('an interval', () => {
  const timing = { everyMs: 1000, anchor: 5500 }
  it('counts from its anchor', () => {
    expect(tickAfter(timing, 0)).toBe(5500)
    expect(tickAfter(timing, 5499)).toBe(5500)
    expect(tickAfter(timing, 5500)).toBe(6500)
    expect(tickAfter(timing, 1e12)).toBe(1e12 + 500)
  })

  it('tells the last ticks', () => {
    expect(lastTicks(timing, 6000, 9000, 10)).toEqual([6500, 7500, 8500])
    expect(lastTicks(timing, 6500, 8500, 10)).toEqual([6500, 7500])
    expect(lastTicks(timing, 0, 9000, 2)).toEqual([7500, 8500])
    expect(lastTicks(timing, 0, 5000, 2)).toEqual([])
    // A year of seconds is not walked through.
    expect(lastTicks(timing, 0, 3e10, 3)).toHaveLength(3)
  })
})

describe('checkCron', () => {
  it.each([
    '0 9 * * 1-5',
    ' */5  * * * *',
    '0 0 L * *',
    '0 9 * * 5#2',
    '@daily',
    '*/10 * * * * *',
    '0 0 29 2 *',
  ])("takes '%s'", (cron) => {
    const timing = checkCron(cron, 'Europe/Berlin')
    expect(tickAfter(timing, at('2026-01-01T00:00'))).toBeGreaterThan(at('2026-01-01T00:00'))
  })

  it.each([
    '',
    '60 * * * *',
    '* * * *',
    '* * * * * * *',
    '5-1 * * * *',
    '* * * * 8',
    'now',
    '2027-01-01T00:00:00',
    '12:30',
    '@reboot',
    `${'1,'.repeat(200)}1 * * * *`,
    5,
    null,
  ])("refuses '%s'", (cron) => {
    expect(() => checkCron(cron, 'UTC')).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: 'cron' }),
    )
  })

  it.each(['', 'Mars/Olympus', 'CET+1', 5, null])("refuses the time zone '%s'", (timezone) => {
    expect(() => checkCron('* * * * *', timezone)).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: 'timezone' }),
    )
  })
})
