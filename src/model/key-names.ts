import type { AtomicDbItemKey } from '../interface.ts'

/**
 * What a key name means. Every name that the library makes of a caller's name is made here, and nowhere else.
 *
 * | row | pk | sk |
 * |---|---|---|
 * | lock of an item | the item's | `<sk>#lock` |
 * | message with a priority | `<queue>` | `!<ULID>` a high one, `}<ULID>` a low one |
 * | message of a queue with `shards` | `<queue>#shard<index>` | the message's |
 * | dead letter | `<queue>#dead`, one for all shards | the message's |
 * | pointer: a shard that may have messages | `<queue>#work` | `p#<index>` |
 * | pointer: a queue of a family that may have messages | `<family>#work` | `p#<queue>` |
 * | message that is due later | `<queue>#scheduled`, one for all shards | a ULID of the time when it is due, behind the mark of its priority |
 * | control row of a queue | `<queue>` | `~control` |
 * | control row of a queue with shards | `<queue>#work` | `control` |
 * | limit of a queue | `<queue>#limits` | `concurrency`, `rate`, `group#<group>` |
 * | payload of a message | `<pk of the message>#payload#<id>` | `#` |
 * | marker of a `deduplicationId` | `<queue>#dedup#<id>`, one for all shards | `#` |
 * | marker of a `uniqueId` | `<queue>#once#<id>`, one for all shards | `#` |
 * | state of a message of `Jobs` | `<queue>#job#<sk of the message>` | `#` |
 * | marker of an `idempotencyKey` | `<key>#idempotency` | `#` |
 * | unique value | `<scope>#unique#<name>` | the value |
 * | shard of a counter | `<pk>#<index>` | the counter's |
 * | number of shards of a counter | `<pk>#shards` | the counter's |
 * | process (`Liveness`) | `lockrow#processes` | the id of the process |
 * | schedule | `lockrow#schedules`, or the caller's | its name |
 * | when a schedule is due | `<pk of the schedule>#due` | `<15 digits of epoch ms>#<name>` |
 * | readers of a stream | `lockrow#streams` | the name of the table or stream |
 *
 * A partition key begins with the caller's name and `#`, but for those of processes and schedules that have none: a
 * grant for the prefix `<name>#` covers all that belongs to it.
 */

/** The sort key of a row that is alone in its partition. */
export const loneSk = '#'

export const lockSuffix = '#lock'

/** Where the lock of an item is by convention: its `sk` with `#lock`. */
export function lockKey(key: AtomicDbItemKey): AtomicDbItemKey {
  return { pk: key.pk, sk: key.sk + lockSuffix }
}

export const isLockName = (sk: string): boolean => sk.endsWith(lockSuffix)

/** What the consumers of a queue keep to together: permits and rates. */
export const queueLimitKey = (queue: string, name: string): AtomicDbItemKey => ({
  pk: `${queue}#limits`,
  sk: name,
})

export const deadLetterSuffix = '#dead'

/** The dead-letter queue of a queue, where no other one is named. */
export const deadLetterName = (queue: string): string => queue + deadLetterSuffix

export const isDeadLetterName = (queue: string): boolean => queue.endsWith(deadLetterSuffix)

/** One shard of a queue; `index` counts from 0. */
export const shardName = (queue: string, index: number): string => `${queue}#shard${index}`

/** The queue and the index of a shard; undefined for any other name. */
export function shardIn(pk: string): { queue: string; index: string } | undefined {
  const [, queue, index] = /^(.*)#shard(\d+)$/s.exec(pk) ?? []
  return queue === undefined || index === undefined ? undefined : { queue, index }
}

/** The queue that a shard, or a partition of what is due later, belongs to; any other name as it is. */
export const queueOfShard = (pk: string): string => pk.replace(/#(shard\d+|scheduled)$/, '')

/** The queue that a partition of messages belongs to: its own, a shard, or one beside it. */
export const queueOfPlace = (pk: string): string => queueOfShard(pk.replace(/#scheduled$/, ''))

const workSuffix = '#work'

/** The partition that says which shards of a queue, or which queues of a family, may have work. */
export const workName = (queue: string): string => queue + workSuffix

/** What the sort keys of pointers begin with. */
export const pointerPrefix = 'p#'

/** The row that says that a shard, or a queue of a family, may have messages. */
export const pointerKey = (queue: string, place: string): AtomicDbItemKey => ({
  pk: workName(queue),
  sk: pointerPrefix + place,
})

/** Sort key of the row that says whether a queue is paused, and where else its messages may lie: behind all ULIDs. */
export const controlSk = '~control'

/** Where the control row of a queue without shards is: the query that looks for messages sees it too. */
export const controlKey = (queue: string): AtomicDbItemKey => ({ pk: queue, sk: controlSk })

/** Where the messages of a queue lie that are due later, in the order of their due times. */
export const scheduledName = (queue: string): string => `${queue}#scheduled`

export const isScheduledName = (pk: string): boolean => pk.endsWith('#scheduled')

/** Where the control row of a queue with shards is: the first row of that partition. */
export const workControlKey = (queue: string): AtomicDbItemKey => ({ pk: workName(queue), sk: 'control' })

/** Between the partition of a message and the id of its payload. */
export const payloadInfix = '#payload#'

export const payloadKey = (pk: string, id: string): AtomicDbItemKey => ({
  pk: pk + payloadInfix + id,
  sk: loneSk,
})

/** Between the name of a queue and a `deduplicationId`. */
export const deduplicationInfix = '#dedup#'

export const deduplicationKey = (queue: string, id: string): AtomicDbItemKey => ({
  pk: queue + deduplicationInfix + id,
  sk: loneSk,
})

/** Between the name of a queue and a `uniqueId`. */
export const onceInfix = '#once#'

export const onceKey = (queue: string, id: string): AtomicDbItemKey => ({
  pk: queue + onceInfix + id,
  sk: loneSk,
})

/** Between the name of a queue and the `sk` of a message that is asked about. */
export const jobInfix = '#job#'

export const jobKey = (queue: string, sk: string): AtomicDbItemKey => ({
  pk: queue + jobInfix + sk,
  sk: loneSk,
})

const idempotencySuffix = '#idempotency'

export const idempotencyMarkerKey = (idempotencyKey: string): AtomicDbItemKey => ({
  pk: idempotencyKey + idempotencySuffix,
  sk: loneSk,
})

const internalInfixes = [payloadInfix, deduplicationInfix, onceInfix, jobInfix]

/** Whether a partition belongs to rows that only the library reads: payloads, markers, pointers, and how jobs ended. */
export const isInternalPk = (pk: string): boolean =>
  internalInfixes.some((infix) => pk.includes(infix)) ||
  pk.endsWith(idempotencySuffix) ||
  pk.endsWith(workSuffix)

/** Whether only the engine reads a row, which may have a `version` so that no query shows it. */
export const isInternalKey = ({ pk, sk }: AtomicDbItemKey): boolean =>
  isInternalPk(pk) && (sk === loneSk || pk.endsWith(workSuffix))

/** Where a unique value is reserved. `scope` is the caller's, for example a tenant. */
export const uniqueKey = (scope: string, name: string, value: string): AtomicDbItemKey => ({
  pk: `${scope}#unique#${name}`,
  sk: value,
})

/** Shards of a counter have partition keys of their own: in one partition they would share its throughput. */
export const counterShardKey = ({ pk, sk }: AtomicDbItemKey, index: number): AtomicDbItemKey => ({
  pk: `${pk}#${index}`,
  sk,
})

/** The row that knows how many shards of a counter were ever in use. */
export const counterRegistryKey = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({
  pk: `${pk}#shards`,
  sk,
})

/** The partition of the rows of processes, one for each `Liveness`. */
export const processesPk = 'lockrow#processes'

/** The partition of schedules, where the caller names no other one. */
export const schedulesPk = 'lockrow#schedules'

/** The rows that say when the schedules of a partition are due, the next one first. */
export const dueSchedulesPk = (pk: string): string => `${pk}#due`

/** Digits of a time in a sort key: until the year 33658. */
const timeDigits = 15

/** When a schedule is due, epoch ms. */
export const dueScheduleKey = (pk: string, at: number, name: string): AtomicDbItemKey => ({
  pk: dueSchedulesPk(pk),
  sk: `${String(at).padStart(timeDigits, '0')}#${name}`,
})

/** The time and the name in the sort key of such a row. */
export const readDueSchedule = (sk: string): { at: number; name: string } => ({
  at: Number(sk.slice(0, timeDigits)),
  name: sk.slice(timeDigits + 1),
})

/** Who reads a stream, by its name or that of its table. */
export const streamReadersKey = (name: string): AtomicDbItemKey => ({ pk: 'lockrow#streams', sk: name })
