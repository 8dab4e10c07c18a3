import type { Command } from 'commander'
import { InvalidInput } from '../../errors.ts'
import type { MissedTicks, Schedule, ScheduleEvent } from '../../schedules/index.ts'
import { Refusal } from '../failures.ts'
import { distance, fieldsOf, fromJson, tableOf, toJson } from '../format.ts'
import { type Answer, action, declined, type Host, nothing, type Session, whole } from '../session.ts'

/** Loaded when it is needed: the parser of cron expressions comes with it. */
const load = () => import('../../schedules/index.ts')

interface Place {
  pk?: string
}

const rhythmOf = ({ cron, timezone, everyMs }: Schedule): string =>
  cron === undefined ? `every ${everyMs} ms` : `${cron} ${timezone}`

const timeOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString()

const nextOf = ({ nextAt, pausedAt }: Schedule, now: number): string =>
  pausedAt !== undefined ? 'paused' : nextAt === undefined ? 'over' : distance(nextAt, now)

const nobody = (name: string): Answer => nothing(`there is no schedule '${name}'`)

const headings = ['name', 'when', 'next', 'last', 'sent', 'queue', 'data']

async function list(session: Session, { prefix, ...place }: Place & { prefix?: string }): Promise<Answer> {
  const [db, { listSchedules }] = await Promise.all([session.db(), load()])
  const found = await listSchedules(db, { ...place, prefix, signal: await session.reading() })
  const now = Date.now()
  const rows = found.map((one) => [
    one.name,
    rhythmOf(one),
    nextOf(one, now),
    one.lastAt === undefined ? '' : distance(one.lastAt, now),
    String(one.fired),
    one.message.pk,
    one.message.data === undefined ? '' : toJson(one.message.data),
  ])
  return {
    records: found,
    lines: found.length === 0 ? [] : tableOf(headings, rows, session.width),
    note: found.length === 0 && !session.settings.json ? 'no schedules' : undefined,
  }
}

async function show(
  session: Session,
  name: string,
  { runs, ...place }: Place & { runs: number },
): Promise<Answer> {
  const [db, { getSchedule, nextRuns }] = await Promise.all([session.db(), load()])
  const found = await getSchedule(db, name, { ...place, signal: await session.reading() })
  if (!found) return nobody(name)
  const next = nextRuns(found, runs)
  const lines = fieldsOf([
    ['schedule', name],
    ['when', rhythmOf(found)],
    ['from', timeOf(found.startAt)],
    ['until', timeOf(found.endAt)],
    ['missed ticks', found.missed],
    ['sends', toJson(found.message)],
    ['sent', found.fired],
    ['last', timeOf(found.lastAt)],
    ['paused since', timeOf(found.pausedAt)],
    ...next.map((at, index): [string, string] => [index === 0 ? 'next' : '', timeOf(at)!]),
  ])
  return { records: [{ ...found, nextRuns: next }], lines }
}

interface SetFlags extends Place {
  cron?: string
  every?: number
  timezone?: string
  missed?: MissedTicks
  queue: string
  data?: string
  group?: string
  shards?: number
  tickField?: string
}

async function set(session: Session, name: string, flags: SetFlags): Promise<Answer> {
  const { cron, every, timezone, missed, pk, queue, data, group, shards, tickField } = flags
  const [db, { schedule }] = await Promise.all([session.db(), load()])
  const message = { pk: queue, data: dataOf(data), group, shards, tickField }
  const made = await schedule(db, { name, cron, everyMs: every, timezone, missed, pk }, message, {
    signal: await session.writing(),
  })
  return {
    records: [made],
    lines: [`'${name}' sends to '${queue}', next ${timeOf(made.nextAt) ?? nextOf(made, Date.now())}`],
  }
}

function dataOf(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return fromJson(text)
  } catch (error) {
    throw new Refusal(`--data is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Pause and resume. */
const turn =
  (verb: 'paused' | 'resumed') =>
  async (session: Session, name: string, place: Place): Promise<Answer> => {
    const [db, { pauseSchedule, resumeSchedule }] = await Promise.all([session.db(), load()])
    const act = verb === 'paused' ? pauseSchedule : resumeSchedule
    if (!(await act(db, name, { ...place, signal: await session.writing() }))) return nobody(name)
    return { records: [{ name, [verb]: true }], lines: [`${verb} '${name}'`] }
  }

async function remove(session: Session, name: string, { pk }: Place): Promise<Answer> {
  session.requireConsent('remove ends a schedule')
  const [db, { getSchedule, removeSchedule }] = await Promise.all([session.db(), load()])
  const found = await getSchedule(db, name, { pk, signal: await session.reading() })
  if (!found) return nobody(name)
  const question = `remove '${name}' (${rhythmOf(found)}, next ${nextOf(found, Date.now())})?`
  if (!(await session.confirm(question))) return declined()
  if (!(await removeSchedule(db, name, { pk, signal: await session.writing() }))) return nobody(name)
  return { records: [{ name, removed: true }], lines: [`removed '${name}'`] }
}

const lineOf = (event: ScheduleEvent): string => {
  if (event.type === 'fired') return `${event.name}: ${event.ticks.map(timeOf).join(', ')}`
  if (event.type === 'skipped') return `${event.name}: left out what was missed since ${timeOf(event.from)}`
  return `${event.name ? `${event.name}: ` : ''}${(event.error as Error).message}`
}

/** Drives the schedules until Ctrl-C. */
async function run(session: Session, { pk, look }: Place & { look?: number }): Promise<Answer> {
  const [db, { Scheduler }] = await Promise.all([session.db(), load()])
  let sent = 0
  const onEvent = (event: ScheduleEvent) => {
    const { error, ...rest } = event as { error?: unknown }
    const record = error === undefined ? rest : { ...rest, error: String(error) }
    if (event.type === 'fired') sent += event.ticks.length
    session.print({ records: [record], lines: event.type === 'error' ? [] : [lineOf(event)] })
    if (event.type === 'error') session.print({ records: [], lines: [], note: lineOf(event) })
  }
  const scheduler = new Scheduler(db, { pk, lookMs: look, onEvent })
  const gone = await session.reading()
  if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve, { once: true }))
  await scheduler.stop()
  return { records: [], lines: [], note: `stopped: sent ${sent}`, code: session.io.signal.aborted ? 130 : 2 }
}

const missedOf = (text: string): MissedTicks => {
  if (text === 'skip' || text === 'one' || text === 'all') return text
  throw new InvalidInput('--missed', "must be 'skip', 'one' or 'all'")
}

export function addSchedules(program: Command, host: Host): void {
  const schedules = program.command('schedules').description('what comes again and again, and what drives it')
  const pk = ['--pk <pk>', 'the partition of the schedules (default: lockrow#schedules)'] as const
  const group = (name: string, description: string) =>
    schedules
      .command(name)
      .description(description)
      .option(...pk)
  group('list', 'all of them, with when they are due')
    .option('--prefix <text>', 'only names that begin so')
    .action(action(host, list))
  group('show', 'one schedule and its next runs (exit code 1: there is none)')
    .argument('<name>')
    .option('--runs <n>', 'so many next runs', whole(1, 1000), 5)
    .action(action(host, show))
  group('set', 'make a schedule, or change the one of this name')
    .argument('<name>')
    .requiredOption('--queue <queue>', 'where its messages go')
    .option('--cron <expression>', "such as '30 2 * * *'")
    .option('--every <ms>', 'instead of cron: milliseconds between two ticks', whole(1000))
    .option('--timezone <name>', 'such as Europe/Berlin (default: UTC)')
    .option('--missed <policy>', 'skip, one or all (default: one)', missedOf)
    .option('--data <json>', 'the data of its messages')
    .option('--group <text>', 'their group')
    .option('--shards <n>', 'of a queue with shards: how many', whole(1, 10_000))
    .option('--tick-field <name>', 'field of the data that gets the time of the tick')
    .action(action(host, set))
  group('pause', 'no tick until it is resumed')
    .argument('<name>')
    .action(action(host, turn('paused')))
  group('resume', 'ticks come again, from the next one on')
    .argument('<name>')
    .action(action(host, turn('resumed')))
  group('remove', 'end a schedule; asks first')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action(action(host, remove))
  group('run', 'drive the schedules until Ctrl-C; as many may as you like')
    .option('--look <ms>', 'longest time between two looks (default: 15000)', whole(1))
    .action(action(host, run))
}
