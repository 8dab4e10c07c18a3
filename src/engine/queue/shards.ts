import type { AtomicDbQueueItemInput } from '../../interface.ts'
import { checkShards, shardName, shardOf } from '../../shards.ts'
import type { Context } from '../context.ts'
import { isAwake, viewOf } from './view.ts'

/** So many shards are looked at by one pull. */
const maxLooks = 64

/** Whose turn it is, per queue and process: of the pushes, and of the pulls. */
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
  let mine = all.get(pk)
  if (!mine) {
    // Many short-lived processes must not all begin with the same shard.
    const anywhere = () => Math.floor(context.runtime.random() * 2 ** 30)
    mine = { push: anywhere(), pull: anywhere() }
    all.set(pk, mine)
  }
  return mine
}

/** The shard for a message: what must meet (a group, a key, an id for deduplication) lies in one. */
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
  const mine = turnsOf(context, pk)
  const now = context.runtime.now()
  const monotonic = context.runtime.monotonic()
  const awake: string[] = []
  const asleep: { name: string; since: number }[] = []
  for (let i = 0; i < shards; i++) {
    const name = shardName(pk, (mine.pull + i) % shards)
    const view = viewOf(context, name)
    if (isAwake(view, now)) awake.push(name)
    else if (view.emptyUntil <= monotonic) asleep.push({ name, since: view.emptyUntil })
  }
  asleep.sort((a, b) => a.since - b.since)
  const first = awake.length > 0 ? asleep.splice(0, 1) : []
  let looks = 0
  for (const name of [...first.map((one) => one.name), ...awake, ...asleep.map((one) => one.name)]) {
    if (looks++ >= maxLooks) return
    mine.pull = (Number(name.slice(name.lastIndexOf('#shard') + 6)) + 1) % shards
    yield name
  }
}
