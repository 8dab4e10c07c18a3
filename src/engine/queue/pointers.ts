import { pointerKey, shardIn } from '../../model/key-names.ts'
import type { MessageRow } from '../../model/message-row.ts'
import { marginMs } from '../../model/promise-clock.ts'
import type { Context } from '../context.ts'
import { promiseFor } from './apart.ts'
import { type Promised, underPromises } from './promises.ts'

/**
 * A pointer says that a shard, or a queue of a family, may have messages: consumers look only at what has one. It is a
 * promise (promises.ts): whatever brings a message there makes sure of it before.
 *
 * So long after a pointer was raised producers rely on it, ms: until then messages come without another word, and
 * consumers look often. Longer for shards, each of which gets messages all the time; shorter for the many queues of a
 * family, each of which gets one now and then.
 */
export const shardReliedMs = 300_000
export const familyReliedMs = 20_000

/** Where a message lies, or is going to. */
export type Destination = Pick<MessageRow, 'pk' | 'sk' | 'f' | 'dl' | 'q'>

/** The pointer that a message needs there; undefined: consumers look there anyway. */
export function pointerFor({ pk, f: family, dl }: Destination): Promised | undefined {
  const shard = shardIn(pk)
  if (shard) return pointer(shard.queue, shard.index, shardReliedMs)
  // Dead letters of a family lie apart from its queues, and are no work.
  return family === undefined || dl !== undefined ? undefined : pointer(family, pk, familyReliedMs)
}

const pointer = (queue: string, place: string, reliedMs: number): Promised => ({
  key: pointerKey(queue, place),
  name: 'until',
  holdMs: reliedMs + marginMs,
})

/** A context whose writes leave only while every message has its pointer, or is promised to be looked for. */
export const pointedAt = (context: Context, messages: readonly Destination[]): Promise<Context> =>
  underPromises(
    context,
    messages.flatMap((message) => pointerFor(message) ?? promiseFor(message) ?? []),
  )
