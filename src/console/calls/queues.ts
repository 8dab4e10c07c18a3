/** Queues as the page shows them: numbers and messages, without claiming anything. */
import type { AtomicDbQueueItem } from '../../interface.ts'
import { rowBytes } from '../../model/sizes.ts'
import { toJson } from '../../model/tagged-json.ts'
import type { Row } from '../../storage.ts'
import { type ConsoleCalls, type Given, numberOf, optionalText, textOf, type World } from '../world.ts'

/** How many messages are counted where the page does not say: at most 1.4 times as many rows are read. */
const countedAtMost = 100
const pageSize = 100

const shardsOf = (given: Given): number | undefined =>
  given.shards === undefined ? undefined : numberOf(given, 'shards', 1, 10_000)

/** A message for the page: its data is one text, which the page never takes for markup. */
export function shownMessage(message: AtomicDbQueueItem): Record<string, unknown> {
  const { data, ...rest } = message
  return { ...rest, json: data === undefined ? undefined : toJson(data) }
}

async function stats({ db, signal }: World, given: Given) {
  const counts = await db.queueStats(textOf(given, 'pk'), {
    shards: shardsOf(given),
    deadLetter: optionalText(given, 'deadLetter'),
    limit: numberOf(given, 'limit', countedAtMost, 100_000),
    consistent: false,
    signal,
  })
  return { ...counts, at: db.runtime.now() }
}

/** Rows of this size cost what a message of it costs to be read, RRU. */
const unitBytes = 4096

/**
 * The first look at a queue, within a budget in RRU: two messages tell how large they are, and so how many more may be
 * read and counted. Larger ones behind them may exceed it.
 */
async function open(world: World, given: Given) {
  const { db, signal } = world
  const budget = numberOf(given, 'budget', 50, 10_000)
  const [pk, shards] = [textOf(given, 'pk'), shardsOf(given)]
  const first = await db.queuePeek({ pk, shards, limit: 2, signal })
  const largest = Math.max(200, ...first.map((message) => rowBytes({ ...message } as Row) + 100))
  const affordable = Math.floor(((budget - 8) * unitBytes) / largest)
  // Two fifths for the messages; counting may be stale and costs half.
  const limit = Math.min(pageSize, Math.max(2, Math.floor(affordable * 0.4)))
  const counted = Math.min(500, Math.max(2, Math.floor((affordable * 0.6 * 2) / 1.4)))
  const [page, counts] = await Promise.all([
    peek(world, { pk, shards, limit }),
    stats(world, { pk, shards, limit: counted, deadLetter: given.deadLetter }),
  ])
  return { ...page, stats: counts }
}

async function peek({ db, signal }: World, given: Given) {
  const limit = numberOf(given, 'limit', pageSize, 1000)
  const found = await db.queuePeek({
    pk: textOf(given, 'pk'),
    shards: shardsOf(given),
    limit,
    after: optionalText(given, 'after'),
    signal,
  })
  return { messages: found.map(shownMessage), isEnd: found.length < limit, at: db.runtime.now() }
}

export const queueCalls: ConsoleCalls = {
  'queue.open': { run: open },
  'queue.stats': { run: stats },
  'queue.peek': { run: peek },
}
