import { Cron } from 'croner'
import { InvalidInput } from '../errors.ts'

/** When a schedule ticks: by a cron expression in a time zone, or every so many ms from an anchor on (epoch ms). */
export type Timing = CronTiming | EveryTiming

interface CronTiming {
  cron: string
  timezone: string
}

interface EveryTiming {
  everyMs: number
  anchor: number
}

const isCron = (timing: Timing): timing is CronTiming => 'cron' in timing

const parsed = new Map<string, Cron>()
/** A driver meets the same expressions again and again; a bound for those who make them up. */
const mostParsed = 1000

function parse({ cron, timezone }: CronTiming): Cron {
  const name = `${timezone}\n${cron}`
  let found = parsed.get(name)
  if (!found) {
    found = new Cron(cron, { timezone, paused: true, mode: '5-or-6-parts' })
    if (parsed.size >= mostParsed) parsed.clear()
    parsed.set(name, found)
  }
  return found
}

/** The first tick behind a time, epoch ms; undefined: there is none. The same whoever asks, and from wherever. */
export function tickAfter(timing: Timing, after: number): number | undefined {
  if (isCron(timing)) return parse(timing).nextRun(new Date(after))?.getTime()
  const { everyMs, anchor } = timing
  if (after < anchor) return anchor
  const tick = anchor + (Math.floor((after - anchor) / everyMs) + 1) * everyMs
  return Number.isSafeInteger(tick) ? tick : undefined
}

/** The last ticks from `from` on and before `until`, at most `limit`, in order. */
export function lastTicks(timing: Timing, from: number, until: number, limit: number): number[] {
  if (isCron(timing)) {
    const runs = parse(timing).previousRuns(limit, new Date(until))
    return runs
      .map((run) => run.getTime())
      .filter((tick) => tick >= from)
      .reverse()
  }
  const { everyMs, anchor } = timing
  const ticks: number[] = []
  const last = anchor + (Math.ceil((until - anchor) / everyMs) - 1) * everyMs
  for (let tick = last; tick >= Math.max(from, anchor) && ticks.length < limit; tick -= everyMs)
    ticks.push(tick)
  return ticks.reverse()
}

/** The longest cron expression, in characters. */
const cronLimit = 256

/** Refuses what no clock ever shows; `timezone` must be known to this Node. */
export function checkCron(cron: unknown, timezone: unknown): CronTiming {
  if (typeof cron !== 'string' || cron.length > cronLimit)
    throw new InvalidInput(
      'cron',
      `must be a text of at most ${cronLimit} characters, such as '30 2 * * *'`,
      {
        given: typeof cron,
      },
    )
  const timing = { cron: cron.trim().replace(/\s+/g, ' '), timezone: checkTimezone(timezone) }
  // The parser takes dates too, for a single run.
  if (/^\d{4}-/.test(timing.cron) || timing.cron.includes(':'))
    throw new InvalidInput('cron', "must be a cron expression; for a single time push a message with 'at'")
  try {
    parse(timing)
  } catch (error) {
    throw new InvalidInput('cron', `is no cron expression: ${problemOf(error)}`, { cause: error })
  }
  return timing
}

const problemOf = (error: unknown): string =>
  (error as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, '')

function checkTimezone(timezone: unknown = 'UTC'): string {
  const advice = "must be the name of a time zone, such as 'Europe/Berlin' or 'UTC'"
  if (typeof timezone !== 'string' || timezone === '')
    throw new InvalidInput('timezone', advice, { given: typeof timezone })
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone && timezone
  } catch (error) {
    throw new InvalidInput('timezone', advice, { given: timezone.slice(0, 60), cause: error })
  }
}
