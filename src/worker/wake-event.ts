import { InvalidInput } from '../errors.ts'
import { isDeadLetterName, isInternalPk, queueOfPlace } from '../model/key-names.ts'

/** What woke a Lambda function up: the names of queues, and whether they are a wish or what was seen to change. */
export interface Wake {
  names: readonly string[]
  /** Named by whoever called. `false`: the partitions of stream records, of queues and of anything else. */
  isAsked: boolean
}

interface StreamRecord {
  eventName?: unknown
  dynamodb?: { Keys?: { pk?: { S?: unknown } } }
}

/**
 * What an event says about queues. Undefined: nothing, so that all are meant. `{ queue }` or `{ queue: [...] }` is what
 * the schedule of `addQueueWorker` and direct calls send (of an event of EventBridge, its `detail`), `{ Records }` what
 * the stream of the table does.
 */
export function wakeIn(event: unknown): Wake | undefined {
  const { queue, detail, Records } = (event ?? {}) as { queue?: unknown; detail?: unknown; Records?: unknown }
  const named = queue ?? (detail as { queue?: unknown } | undefined)?.queue
  if (named !== undefined) return { names: namesIn(named), isAsked: true }
  if (!Array.isArray(Records)) return undefined
  const records = Records.filter((record: StreamRecord | undefined) => record?.dynamodb)
  return records.length === 0 ? undefined : { names: partitionsIn(records), isAsked: false }
}

function namesIn(queue: unknown): readonly string[] {
  const names = Array.isArray(queue) ? queue : [queue]
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')) return names
  throw new InvalidInput('event.queue', 'must be the name of a queue, or a list of names', {
    given: typeof queue,
  })
}

/** The partitions in which something was written. What was deleted needs no worker. */
function partitionsIn(records: readonly StreamRecord[]): string[] {
  const names = new Set<string>()
  for (const { eventName, dynamodb } of records) {
    const pk = dynamodb?.Keys?.pk?.S
    if (typeof pk === 'string' && eventName !== 'REMOVE') names.add(pk)
  }
  return [...names]
}

/** Whether a partition may be a queue itself: neither dead letters, nor what belongs to a message. */
export const mayBeQueue = (pk: string): boolean => !isDeadLetterName(pk) && !isInternalPk(pk)

/** The queue of a partition, which may be one of its shards, or that of its delayed messages. */
export const queueOf = (pk: string, isKnown: (name: string) => boolean): string =>
  isKnown(pk) ? pk : queueOfPlace(pk)
