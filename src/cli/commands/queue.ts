import type { Command } from 'commander'
import type { AtomicDbInterface, AtomicDbQueueItem, AtomicDbQueueStats } from '../../interface.ts'
import { deadLetterName, isDeadLetterName } from '../../model/key-names.ts'
import { count, distance, duration, fieldsOf, tableOf, toJson } from '../format.ts'
import { inBatches, type Work, type WorkDone, withProgress } from '../long-work.ts'
import { type Answer, action, declined, type Host, type Session, whole } from '../session.ts'
import { addCancel } from './cancel.ts'
import { addPush } from './push.ts'

interface Sharded {
  shards?: number
  family?: boolean
}

/** A queue, or all queues whose names begin so. */
const named = (queue: string, { family }: Sharded) => (family ? { family: queue } : queue)

const pausedUntil = ({ paused, pausedUntil }: AtomicDbQueueStats): string => {
  if (!paused) return 'no'
  return pausedUntil === undefined ? 'until it is resumed' : `until ${new Date(pausedUntil).toISOString()}`
}

async function stats(
  session: Session,
  queue: string,
  { shards, deadLetter, limit, family }: Sharded & { deadLetter?: string; limit?: number },
): Promise<Answer> {
  const db = await session.db()
  const options = { shards, deadLetter, limit, signal: await session.reading() }
  const found = await db.queueStats(named(queue, { family }), options)
  const more = found.atLeast ? ' or more' : ''
  const lines = fieldsOf([
    ['queue', queue],
    ['ready', found.ready.toLocaleString('en-US') + more],
    ['in flight', found.inFlight.toLocaleString('en-US')],
    ['delayed', found.delayed.toLocaleString('en-US')],
    ['due later', found.scheduled.toLocaleString('en-US')],
    ['dead', found.dead.toLocaleString('en-US')],
    ['oldest', duration(found.oldestAgeSeconds) + (found.oldestIsExact ? '' : ' or more')],
    ['paused', pausedUntil(found)],
  ])
  return { records: [{ queue, ...found }], lines }
}

const headings = ['sk', 'age', 'state', 'received', 'group', 'from', 'died', 'reason', 'data']

/** The cells of a message; a dead letter tells where it comes from, when it died, and how often it was received. */
function row(message: AtomicDbQueueItem, now: number): string[] {
  const { isProcessing, processingTimeout = now, receiveCount, deadLetter } = message
  const here = receiveCount === 0 ? '' : `, here ${receiveCount}`
  return [
    message.sk,
    deadLetter ? '' : duration((now - message.enqueuedAt) / 1000),
    isProcessing ? `in flight, ${duration((processingTimeout - now) / 1000)}` : 'waits',
    deadLetter ? `${deadLetter.receives}${here}` : String(receiveCount),
    message.group ?? '',
    deadLetter?.from ?? '',
    deadLetter ? distance(deadLetter.at, now) : '',
    deadLetter?.reason ?? message.reason ?? '',
    toJson(message.data),
  ]
}

async function peek(
  session: Session,
  queue: string,
  { shards, limit, after, family }: Sharded & { limit: number; after?: string },
): Promise<Answer> {
  const db = await session.db()
  const place = family ? { family: queue } : { pk: queue }
  const messages = await db.queuePeek({ ...place, shards, limit, after, signal: await session.reading() })
  const now = Date.now()
  const rows = messages.map((message) => row(message, now))
  return {
    records: messages,
    lines: messages.length === 0 ? [] : tableOf(headings, rows, session.width),
    note: messages.length === 0 && !session.settings.json ? 'no messages' : undefined,
  }
}

/** What one call deletes or moves: between two of them Ctrl-C is heard. */
const purgedAtOnce = 250
const movedAtOnce = 25

/** Deletes what the queue held when it was counted, and what came meanwhile at most up to the end of a batch. */
export function purge(
  db: AtomicDbInterface,
  queue: Parameters<AtomicDbInterface['queuePurge']>[0],
  counted: Pick<AtomicDbQueueStats, 'ready' | 'inFlight' | 'delayed'>,
  options: { shards?: number; signal: AbortSignal },
  work: Work,
): Promise<WorkDone> {
  const total = counted.ready + counted.inFlight + counted.delayed
  return inBatches(
    work,
    total,
    (done) => `deleted ${done} of ${total}`,
    async (before) => {
      const limit = Math.min(purgedAtOnce, total - before)
      const done = await db.queuePurge(queue, { ...options, limit })
      return { done, over: done < limit }
    },
  )
}

async function purgeAll(session: Session, queue: string, { shards, family }: Sharded): Promise<Answer> {
  session.requireConsent('purge deletes messages')
  const db = await session.db()
  const place = named(queue, { family })
  const counted = await db.queueStats(place, {
    shards,
    limit: Number.POSITIVE_INFINITY,
    signal: await session.reading(),
  })
  const all = counted.ready + counted.inFlight + counted.delayed
  const question = `delete ${count(all, 'message')} of '${queue}' (${counted.inFlight} in flight)?`
  if (all > 0 && !(await session.confirm(question))) return declined()
  const options = { shards, signal: await session.writing() }
  const { done, total, stopped } = await withProgress(session.io, 'purge', (work) =>
    purge(db, place, counted, options, work),
  )
  return {
    records: [{ queue, deleted: done, total, stopped }],
    lines: stopped ? [] : [`deleted ${count(done, 'message')} of '${queue}'`],
    note: stopped ? `stopped: deleted ${done} of ${total}` : undefined,
    code: stopped ? 130 : 0,
  }
}

/** The dead letters of a queue; the name of a dead-letter queue itself stays. */
const deadLettersOf = (queue: string): string => (isDeadLetterName(queue) ? queue : deadLetterName(queue))

async function countDeadLetters(db: AtomicDbInterface, from: string, signal: AbortSignal): Promise<number> {
  const { ready } = await db.queueStats(from, { limit: Number.POSITIVE_INFINITY, signal })
  return ready
}

/** Moves at most `total` back, so that one which fails again meanwhile is not moved for ever. */
export function redrive(
  db: AtomicDbInterface,
  options: { from: string; to?: string; shards?: number; signal: AbortSignal },
  total: number,
  work: Work,
): Promise<WorkDone> {
  return inBatches(
    work,
    total,
    (done) => `moved ${done} of ${total}`,
    async (before) => {
      const limit = Math.min(movedAtOnce, total - before)
      const done = await db.queueRedrive({ ...options, limit })
      return { done, over: done < limit }
    },
  )
}

interface RedriveFlags {
  deadLetter?: string
  to?: string
  shards?: number
  limit?: number
}

async function redriveAll(session: Session, queue: string, flags: RedriveFlags): Promise<Answer> {
  session.requireConsent('redrive has dead letters handled again')
  const { to, shards, limit = Number.POSITIVE_INFINITY } = flags
  const from = flags.deadLetter ?? deadLettersOf(queue)
  const db = await session.db()
  const wanted = Math.min(limit, await countDeadLetters(db, from, await session.reading()))
  const goal = to === undefined ? 'where they come from' : `'${to}'`
  const question = `move ${count(wanted, 'message')} of '${from}' back to ${goal}?`
  if (wanted > 0 && !(await session.confirm(question))) return declined()
  const signal = await session.writing()
  const { done, total, stopped } = await withProgress(session.io, 'redrive', (work) =>
    redrive(db, { from, to, shards, signal }, wanted, work),
  )
  const left =
    done < total ? `${total - done} stayed: taken meanwhile, or no dead letters (give --to)` : undefined
  return {
    records: [{ from, moved: done, total, stopped }],
    lines: stopped ? [] : [`moved ${count(done, 'message')} of '${from}' back to ${goal}`],
    note: stopped ? `stopped: moved ${done} of ${total}` : left,
    code: stopped ? 130 : 0,
  }
}

async function pauseQueue(
  session: Session,
  queue: string,
  { minutes }: { minutes?: number },
): Promise<Answer> {
  session.requireConsent('pause stops the work of a queue')
  if (!(await session.confirm(`pause '${queue}'?`))) return declined()
  const db = await session.db()
  const until = minutes === undefined ? undefined : Date.now() + minutes * 60_000
  await db.queuePause(queue, { until, signal: await session.writing() })
  const end = until === undefined ? 'until it is resumed' : `until ${new Date(until).toISOString()}`
  return { records: [{ queue, paused: true, until }], lines: [`'${queue}' is paused ${end}`] }
}

async function resumeQueue(session: Session, queue: string): Promise<Answer> {
  const db = await session.db()
  await db.queueResume(queue, { signal: await session.writing() })
  return { records: [{ queue, paused: false }], lines: [`'${queue}' goes on`] }
}

export function addQueue(program: Command, host: Host): void {
  const queue = program.command('queue').description('look at queues, and move, delete or add messages')
  const shards = ['--shards <n>', 'the number that it is pushed to with', whole(1, 10_000)] as const
  const deadLetter = ['--dead-letter <queue>', 'its dead-letter queue (default: <queue>#dead)'] as const
  const family = [
    '--family',
    'all queues whose names begin so, as pushes and workers name their family',
  ] as const
  const yes = ['-y, --yes', 'do not ask'] as const
  queue
    .command('stats')
    .description('counts, up to a limit (1 RRU per 4 KB), and whether it is paused')
    .argument('<queue>')
    .option(...shards)
    .option(...family)
    .option(...deadLetter)
    .option('--limit <n>', 'count at most so many messages (default: 500)', whole(1, 100_000_000))
    .action(action(host, stats))
  queue
    .command('peek')
    .description('its first messages, whatever their state, without claiming them')
    .argument('<queue>')
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 10)
    .option('--after <sk>', 'only messages behind this sk')
    .option(...shards)
    .option(...family)
    .action(action(host, peek))
  queue
    .command('redrive')
    .description('move dead letters back, to be handled again; asks first')
    .argument('<queue>', 'the queue, or its dead-letter queue if that ends in #dead')
    .option(...deadLetter)
    .option('--to <queue>', 'where to (default: for each message the queue that it comes from)')
    .option('--shards <n>', 'for a queue with shards: how many its consumers use now', whole(1, 10_000))
    .option('--limit <n>', 'at most so many', whole(1))
    .option(...yes)
    .action(action(host, redriveAll))
  queue
    .command('purge')
    .description('delete its messages, those in flight too; asks first')
    .argument('<queue>')
    .option(...shards)
    .option(...family)
    .option(...yes)
    .action(action(host, purgeAll))
  addCancel(queue, host)
  queue
    .command('pause')
    .description('give nothing out until it is resumed; asks first')
    .argument('<queue>')
    .option('--minutes <n>', 'go on by itself after so long', whole(1, 1_000_000))
    .option(...yes)
    .action(action(host, pauseQueue))
  queue
    .command('resume')
    .description('give out the messages of a paused queue again')
    .argument('<queue>')
    .action(action(host, resumeQueue))
  addPush(queue, host)
}
