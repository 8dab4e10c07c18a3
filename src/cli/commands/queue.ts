import type { Command } from 'commander'
import type { AtomicDbQueueItem } from '../../interface.ts'
import { confirm, requireConsent } from '../confirm.ts'
import { count, duration, fieldsOf, tableOf, toJson } from '../format.ts'
import { purge } from '../operations/purge.ts'
import { countDeadLetters, deadLettersOf, redrive } from '../operations/redrive.ts'
import { withProgress } from '../progress.ts'
import type { Answer, Session } from '../session.ts'
import { whole } from '../settings.ts'
import { action, declined, type Host } from './command.ts'
import { addPush } from './push.ts'

interface Sharded {
  shards?: number
}

async function stats(
  session: Session,
  queue: string,
  { shards, deadLetter }: Sharded & { deadLetter?: string },
): Promise<Answer> {
  const db = await session.db()
  const found = await db.queueStats(queue, { shards, deadLetter, signal: await session.reading() })
  const lines = fieldsOf([
    ['queue', queue],
    ['ready', found.ready.toLocaleString('en-US')],
    ['in flight', found.inFlight.toLocaleString('en-US')],
    ['delayed', found.delayed.toLocaleString('en-US')],
    ['dead', found.dead.toLocaleString('en-US')],
    ['oldest', duration(found.oldestAgeSeconds)],
  ])
  return { records: [{ queue, ...found }], lines }
}

function row(message: AtomicDbQueueItem, now: number): string[] {
  const { isProcessing, processingTimeout = now } = message
  return [
    message.sk,
    duration((now - message.enqueuedAt) / 1000),
    isProcessing ? `in flight, ${duration((processingTimeout - now) / 1000)}` : 'waits',
    String(message.receiveCount),
    message.group ?? '',
    message.deadLetter?.reason ?? message.reason ?? '',
    toJson(message.data),
  ]
}

async function peek(
  session: Session,
  queue: string,
  { shards, limit, after }: Sharded & { limit: number; after?: string },
): Promise<Answer> {
  const db = await session.db()
  const messages = await db.queuePeek({ pk: queue, shards, limit, after, signal: await session.reading() })
  const now = Date.now()
  const headings = ['sk', 'age', 'state', 'received', 'group', 'reason', 'data']
  const rows = messages.map((message) => row(message, now))
  // Columns that say nothing are left out.
  const shown = headings.map((_, i) => i < 4 || i === 6 || rows.some((cells) => cells[i] !== ''))
  const only = (cells: string[]) => cells.filter((_, i) => shown[i])
  return {
    records: messages,
    lines: messages.length === 0 ? [] : tableOf(only(headings), rows.map(only), session.width),
    note: messages.length === 0 && !session.settings.json ? 'no messages' : undefined,
  }
}

async function purgeAll(session: Session, queue: string, { shards }: Sharded): Promise<Answer> {
  requireConsent(session, 'purge deletes messages')
  const db = await session.db()
  const counted = await db.queueStats(queue, { shards, signal: await session.reading() })
  const all = counted.ready + counted.inFlight + counted.delayed
  const question = `delete ${count(all, 'message')} of '${queue}' (${counted.inFlight} in flight)?`
  if (all > 0 && !(await confirm(session, question))) return declined()
  const options = { shards, signal: await session.writing() }
  const { done, total, stopped } = await withProgress(session.io, 'purge', (work) =>
    purge(db, queue, counted, options, work),
  )
  return {
    records: [{ queue, deleted: done, total, stopped }],
    lines: stopped ? [] : [`deleted ${count(done, 'message')} of '${queue}'`],
    note: stopped ? `stopped: deleted ${done} of ${total}` : undefined,
    code: stopped ? 130 : 0,
  }
}

interface RedriveFlags {
  deadLetter?: string
  to?: string
  shards?: number
  limit?: number
}

async function redriveAll(session: Session, queue: string, flags: RedriveFlags): Promise<Answer> {
  requireConsent(session, 'redrive has dead letters handled again')
  const { to, shards, limit = Number.POSITIVE_INFINITY } = flags
  const from = flags.deadLetter ?? deadLettersOf(queue)
  const db = await session.db()
  const wanted = Math.min(limit, await countDeadLetters(db, from, await session.reading()))
  const goal = to === undefined ? 'where they come from' : `'${to}'`
  const question = `move ${count(wanted, 'message')} of '${from}' back to ${goal}?`
  if (wanted > 0 && !(await confirm(session, question))) return declined()
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

export function addQueue(program: Command, host: Host): void {
  const queue = program.command('queue').description('look at queues, and move, delete or add messages')
  const shards = ['--shards <n>', 'the number that it is pushed to with', whole(1, 10_000)] as const
  const deadLetter = ['--dead-letter <queue>', 'its dead-letter queue (default: <queue>#dead)'] as const
  const yes = ['-y, --yes', 'do not ask'] as const
  queue
    .command('stats')
    .description('counts, by reading the whole queue (1 RRU per 4 KB)')
    .argument('<queue>')
    .option(...shards)
    .option(...deadLetter)
    .action(action(host, stats))
  queue
    .command('peek')
    .description('its first messages, whatever their state, without claiming them')
    .argument('<queue>')
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 10)
    .option('--after <sk>', 'only messages behind this sk')
    .option(...shards)
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
    .option(...yes)
    .action(action(host, purgeAll))
  addPush(queue, host)
}
