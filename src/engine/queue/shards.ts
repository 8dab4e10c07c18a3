import type { AtomicDbQueueItemInput } from '../../interface.ts'
import { shardName } from '../../model/key-names.ts'
import { checkShards, shardOf } from '../../model/shards.ts'
import type { Context } from '../context.ts'
import { inFlightOf, maxQueues } from './in-flight.ts'

/** How many shards one pull reads at most. */
const maxVisits = 64

/** The shard whose turn it is, per queue and process: for pushes, and for pulls. */
interface Turns {
  push: number
  pull: number
}

const turns = new WeakMap<object, Map<string, Turns>>()

function turnsOf(context: Context, pk: string): Turns {
  let all = turns.get(context.database)
  if (!all) {
    all = new Map()
    turns.set(context.database, all)
  }
  let own = all.get(pk)
  if (!own) {
    // Many short-lived processes must not all begin with the same shard.
    const anywhere = () => Math.floor(context.runtime.random() * 2 ** 30)
    own = { push: anywhere(), pull: anywhere() }
    if (all.size >= maxQueues) all.delete(all.keys().next().value!)
    all.set(pk, own)
  }
  return own
}

/** The shard for a message. Messages with the same group, key or id for deduplication go to the same shard. */
export function shardFor(context: Context, shards: number, item: AtomicDbQueueItemInput): string {
  checkShards(shards)
  const by = item.group ?? item.sk ?? item.deduplicationId
  if (by !== undefined) return shardOf(item.pk, shards, String(by))
  return shardName(item.pk, turnsOf(context, item.pk).push++ % shards)
}

/**
 * The shards worth looking at, each when its turn comes: one that was empty a while ago, so that busy ones cannot
 * hide it; those that had work, in turn; then the other empty ones. What was empty within the last second is left out.
 */
export function* shardsToVisit(
  context: Context,
  pk: string,
  shards: number,
): Generator<string, void, undefined> {
  const turn = turnsOf(context, pk)
  const now = context.runtime.now()
  const monotonic = context.runtime.monotonic()
  const awake: number[] = []
  const asleep: { index: number; since: number }[] = []
  for (let i = 0; i < shards; i++) {
    const index = (turn.pull + i) % shards
    const inFlight = inFlightOf(context, shardName(pk, index))
    if (inFlight.isAwake(now)) awake.push(index)
    else if (inFlight.emptyUntil <= monotonic) asleep.push({ index, since: inFlight.emptyUntil })
  }
  asleep.sort((a, b) => a.since - b.since)
  const first = awake.length > 0 ? asleep.splice(0, 1) : []
  let visits = 0
  for (const index of [...first.map((one) => one.index), ...awake, ...asleep.map((one) => one.index)]) {
    if (visits++ >= maxVisits) return
    turn.pull = (index + 1) % shards
    yield shardName(pk, index)
  }
}
