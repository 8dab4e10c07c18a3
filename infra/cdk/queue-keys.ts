// Which partition keys a feature touches besides the one it is told: grants, their tests and docs/deploy.md use this.

import {
  deadLetterName,
  deadLetterSuffix,
  deduplicationKey,
  idempotencyMarkerKey,
  isDeadLetterName,
  jobKey,
  onceKey,
  payloadKey,
  queueLimitKey,
  queueOfPlace,
  queueOfShard,
  scheduledName,
  shardName,
  workName,
} from '../../src/model/key-names.ts'
import { checkShards, shardsOf } from '../../src/model/shards.ts'
import type { GrantPurpose } from './actions.ts'

/** Partition key of a queue's dead letters, unless `deadLetterPk` says otherwise: `<pk>#dead`. */
export const DEAD_LETTER_SUFFIX = deadLetterSuffix

/** A queue to be let into: its own partitions, and those of what lies beside it. */
export interface QueueScope {
  /** Partition key, as it is given to `queuePush` and `queuePull`. */
  readonly pk: string
  /** The number of shards that producers and consumers are told. @default not sharded */
  readonly shards?: number
  /** Where dead letters go. @default `<pk>#dead` */
  readonly deadLetterPk?: string
}

/** What a call can touch besides the partition that it names. */
export type KeyFeature =
  | 'payloads'
  | 'deduplication'
  | 'unique'
  | 'deadLetters'
  | 'idempotency'
  | 'sides'
  | 'limits'
  | 'jobs'

/** Patterns of partition keys as IAM reads them (`*` is any text), by feature. */
export const KEYS_OF: Readonly<Record<KeyFeature, (pk: string) => readonly string[]>> = {
  /** `payloadThreshold`: one partition for each large payload. */
  payloads: (pk) => [payloadKey(pk, '*').pk],
  /** `deduplicationId`: one partition for each id, one for all shards. */
  deduplication: (pk) => [deduplicationKey(queueOfShard(pk), '*').pk],
  /** `uniqueId`: one partition for each id, one for all shards. */
  unique: (pk) => [onceKey(queueOfShard(pk), '*').pk],
  /** `maxReceives`, `queueStats`, `queueRedrive`: one queue of dead letters for all shards. */
  deadLetters: (pk) => withPayloads(deadLetterName(queueOfShard(pk))),
  /** `idempotencyKey`, where it is the partition key or begins with it and `#`. */
  idempotency: (pk) => [idempotencyMarkerKey(pk).pk, idempotencyMarkerKey(`${pk}#*`).pk],
  /** Which shards have work, and whether the queue is paused; messages that are due later. One for all shards. */
  sides: (pk) => [workName(queueOfShard(pk)), scheduledName(queueOfShard(pk))],
  /** `limits`: permits and rates of all consumers. */
  limits: (pk) => [queueLimitKey(queueOfShard(pk), '').pk],
  /** `Jobs`: one partition for the state of each message, one for all shards. */
  jobs: (pk) => [jobKey(queueOfPlace(pk), '*').pk],
}

/** Which features the calls of a purpose have. */
export const FEATURES_OF: Readonly<Record<GrantPurpose, readonly KeyFeature[]>> = {
  read: ['payloads', 'deadLetters', 'sides', 'jobs'],
  readWrite: ['payloads', 'deduplication', 'unique', 'deadLetters', 'idempotency', 'sides', 'limits', 'jobs'],
  queueProducer: ['payloads', 'deduplication', 'unique', 'idempotency', 'sides'],
  queueConsumer: ['payloads', 'deadLetters', 'sides', 'limits', 'jobs'],
}

const withPayloads = (pk: string): string[] => [pk, ...KEYS_OF.payloads(pk)]

/** Everything that calls with these features touch when they are given this partition key. */
export function keysOfPartition(features: readonly KeyFeature[], pk: string): string[] {
  const keys = [pk, ...features.flatMap((feature) => KEYS_OF[feature](pk))]
  return isDeadLetterName(pk) ? [...keys, ...payloadsOfDeadLetters(pk)] : keys
}

/** The payload of a dead letter stays where it was: beside the queue, or the shard, that the letter comes from. */
function payloadsOfDeadLetters(pk: string): string[] {
  const queue = pk.slice(0, -deadLetterSuffix.length)
  return [queue, `${queue}#shard*`].flatMap(KEYS_OF.payloads)
}

/** Everything that calls with these features touch in a queue. */
export function keysOfQueue(
  features: readonly KeyFeature[],
  { pk, shards, deadLetterPk }: QueueScope,
): string[] {
  return [
    ...partitionsOf(pk, shards),
    ...features.flatMap((feature) => {
      // The control row of the queue itself, where no shard is.
      if (feature === 'sides' && shards !== undefined) return [pk, ...KEYS_OF.sides(pk)]
      if (feature === 'payloads') return partitionsOf(pk, shards).flatMap(KEYS_OF.payloads)
      // What goes in circles between dead-letter queues ends in the default one.
      if (feature === 'deadLetters' && deadLetterPk !== undefined)
        return [...withPayloads(deadLetterPk), ...KEYS_OF.deadLetters(pk)]
      return KEYS_OF[feature](pk)
    }),
  ]
}

/** More shards than this are granted by the number of their digits: a policy has room for 6,144 characters only. */
const SHARDS_BY_NAME = 16

/** `mails#shard0` to `mails#shard7`, or `mails#shard?`, `mails#shard??` and so on. */
function partitionsOf(pk: string, shards: number | undefined): string[] {
  if (shards === undefined) return [pk]
  if (checkShards(shards) <= SHARDS_BY_NAME) return shardsOf(pk, shards)
  const longest = String(shards - 1).length
  return Array.from(
    { length: longest },
    (_, index) => `${shardName(pk, 0).slice(0, -1)}${'?'.repeat(index + 1)}`,
  )
}
