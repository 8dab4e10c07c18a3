import { InvalidInput } from '../errors.ts'
import { hashOf } from './hash.ts'
import { shardName } from './key-names.ts'

export const maxShards = 10_000

export function checkShards(shards: unknown, field = 'shards'): number {
  if (!Number.isSafeInteger(shards) || (shards as number) < 1 || (shards as number) > maxShards)
    throw new InvalidInput(field, `must be a whole number from 1 to ${maxShards}`, {
      given: String(shards),
      limit: maxShards,
    })
  return shards as number
}

/**
 * The partition keys of a queue that is pushed to with `shards`: `jobs#shard0`, `jobs#shard1`, ... In a policy the prefix
 * `jobs#` covers them, with their payloads, markers and dead letters.
 */
export function shardsOf(pk: string, shards: number): string[] {
  return Array.from({ length: checkShards(shards) }, (_, index) => shardName(pk, index))
}

/**
 * The shard in which everything with this text (a group, say) lies, the same in every process: for a push inside a
 * transaction, `tx.queuePush({ pk: shardOf('jobs', 8, order.customer), group: order.customer, data })`.
 */
export function shardOf(pk: string, shards: number, by: string): string {
  return shardName(pk, hashOf(by) % checkShards(shards))
}
