import type { AtomicDbQueueItemInput } from '../../interface.ts'
import { shardName } from '../../model/key-names.ts'
import { checkShards, shardOf } from '../../model/shards.ts'
import type { Context } from '../context.ts'
import { maxQueues } from './in-flight.ts'

/** The shard whose turn it is to get a message, per queue and process. */
const turns = new WeakMap<object, Map<string, { next: number }>>()

function turnOf(context: Context, pk: string): { next: number } {
  let all = turns.get(context.database)
  if (!all) {
    all = new Map()
    turns.set(context.database, all)
  }
  let own = all.get(pk)
  if (!own) {
    // Many short-lived processes must not all begin with the same shard.
    own = { next: Math.floor(context.runtime.random() * 2 ** 30) }
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
  return shardName(item.pk, turnOf(context, item.pk).next++ % shards)
}
