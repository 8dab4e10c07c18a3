// What can be asked of a queue worker, and which combinations make sense.

import { Duration, Token } from 'aws-cdk-lib'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { AlarmTuning, QueueAlarmOptions } from './alarms.ts'
import { assertLiteralKey, assertPrefix, assertQueueKey, assertShards } from './grants.ts'
import { DEAD_LETTER_SUFFIX } from './queue-keys.ts'

/** Alarms of a queue worker. */
export interface WorkerAlarmOptions extends QueueAlarmOptions {
  /** Runs of the function that threw, a minute. @default threshold 0, 3 of 5 */
  readonly failedRuns?: boolean | AlarmTuning
  /** Runs of the function that were refused for want of concurrency, a minute. @default threshold 0, 3 of 5 */
  readonly throttledRuns?: boolean | AlarmTuning
  /**
   * The function has not run in so many periods of the schedule: it, its schedule or its permission is gone. Needs a
   * schedule. Rings until the first run after a deployment. @default 5 of 5
   */
  readonly missingRuns?: boolean | Pick<AlarmTuning, 'datapoints'>
  /** Age of the last stream record that was read, ms. Needs `onInsert`. @default threshold 300,000, 3 of 5 */
  readonly iteratorAge?: boolean | AlarmTuning
  /** Wake-ups that could not be delivered, in the failure queue. @default threshold 0, 1 of 5 */
  readonly undelivered?: boolean | AlarmTuning
}

/** Which queue a function works off, and how. */
export interface QueueWorkerProps {
  /** Partition key of the queue, or of several queues. Either this or `pkPrefix`. */
  readonly pk?: string | readonly string[]
  /**
   * For a queue that is pushed to with `shards`: the same number, which the function gives to `queueLambda` as well.
   * The schedule runs it once for all shards, and alarms and dashboard look at the whole queue: report
   * `queueStats(pk, { shards })`.
   * @default not sharded
   */
  readonly shards?: number
  /**
   * Beginning of the partition keys of many queues, ending in a separator. The function is then told by stream
   * records alone, because no schedule can know which queues exist: needs `schedule: false`, and redeliveries are
   * up to you. Inserts of dead letters under the same prefix wake the function too.
   */
  readonly pkPrefix?: string
  /** Where dead letters go; the worker may write there. @default `<pk>#dead` for each pk */
  readonly deadLetterPk?: string | readonly string[]

  /**
   * Run when messages are inserted. The event is a `DynamoDBStreamEvent` of keys: a wake-up, not the message itself,
   * which the function takes by `queuePull`. Takes one of the two readers that a stream serves without throttling
   * (one on a table with replicas).
   * @default true
   */
  readonly onInsert?: boolean
  /**
   * Run this often with `{ queue: pk }`, once per pk: for redeliveries, for delayed messages, and for wake-ups
   * that got lost. Whole minutes, at most a day.
   * @default one minute (44,000 runs a month and pk, about $0.01); one hour with `wakeUp: 'one-shot'`
   */
  readonly schedule?: Duration | false
  /**
   * What runs the function when a delay or a claim ends. `'schedule'`: the schedule, at its next run. `'one-shot'`: a
   * schedule of EventBridge Scheduler for the minute of the next message, which the function makes itself: its handler
   * must be wrapped in `oneShotWakeUp`, and gets group and role by its environment. The schedule is then for wake-ups
   * that got lost and for processes that died, an hour apart.
   * @default 'schedule'
   */
  readonly wakeUp?: 'schedule' | 'one-shot'

  /** Inserts per wake-up, 1 to 10,000. @default 100 */
  readonly batchSize?: number
  /** Wait this long, up to 5 minutes, to gather a batch. @default not at all */
  readonly maxBatchingWindow?: Duration
  /**
   * Runs of the function at the same time, at most: reserved concurrency of the function, taken from the account's,
   * and parallel batches per shard of the stream up to 10. It bounds the function, so all its queues together.
   * @default no bound, and one batch per shard at a time
   */
  readonly maxConcurrency?: number
  /** Wake-ups are tried again this often when the function throws. @default 2 (the schedule comes anyway) */
  readonly retryAttempts?: number
  /** Where undeliverable wake-ups go. @default an SQS queue made here, kept 14 days */
  readonly failureQueue?: IQueue

  /**
   * @default dead letters, failed, throttled and missing runs, iterator age and undelivered wake-ups.
   * `oldestMessageAge`, `backlog` and `deadLetters` read what the function emits by `emitQueueMetrics`, once per
   * scheduled run; a function that does not run emits nothing, which is what the alarms on its runs are for.
   */
  readonly alarms?: boolean | WorkerAlarmOptions
}

/** A worker's properties with the defaults filled in and the contradictions refused. */
export interface ResolvedWorker {
  readonly pks: readonly string[]
  readonly shards: number | undefined
  readonly pkPrefix: string | undefined
  readonly deadLetterPks: readonly string[]
  readonly alarms: WorkerAlarmOptions
  readonly schedule: Duration | false
  readonly wakeUp: 'schedule' | 'one-shot'
  /** Distinguishes workers of one function in construct ids. */
  readonly name: string
}

const RUN_ALARMS: WorkerAlarmOptions = {
  failedRuns: true,
  throttledRuns: true,
  missingRuns: true,
  iteratorAge: true,
  undelivered: true,
}
/** Below this the schedule alone is as soon, and cheaper. */
const MIN_NET_SECONDS = 300
const DEFAULT_ALARMS: WorkerAlarmOptions = { ...RUN_ALARMS, deadLetters: true }
const ALL_ALARMS: WorkerAlarmOptions = { ...DEFAULT_ALARMS, oldestMessageAge: true, backlog: true }

/** Throws an Error naming the properties that contradict each other. */
export function resolveWorker(props: QueueWorkerProps): ResolvedWorker {
  const fail = (message: string): never => {
    throw new Error(`addQueueWorker: ${message}`)
  }
  const pks = props.pk === undefined ? [] : typeof props.pk === 'string' ? [props.pk] : [...props.pk]
  const { pkPrefix, onInsert = true, shards, wakeUp = 'schedule' } = props
  const schedule = scheduleOf(props, fail)
  if (pks.length > 0 === (pkPrefix !== undefined)) fail('name either pk (at least one) or pkPrefix')
  for (const pk of pks) assertQueueKey('addQueueWorker: pk', pk)
  if (shards !== undefined) {
    assertShards('addQueueWorker: shards', shards)
    if (pks.length !== 1) fail('shards are those of one queue: name its pk')
  }
  if (new Set(pks).size < pks.length) fail('pk names a queue twice')
  if (pkPrefix !== undefined) {
    assertPrefix('pkPrefix', pkPrefix)
    if (schedule) fail('schedule cannot know which queues pkPrefix covers: set schedule: false, or name pk')
    if (!onInsert) fail('pkPrefix with onInsert: false leaves nothing to run the function')
  }
  if (!onInsert && schedule === false)
    fail('onInsert: false with schedule: false leaves nothing to run the function')
  if (!onInsert) {
    for (const prop of ['batchSize', 'maxBatchingWindow', 'retryAttempts'] as const)
      if (props[prop] !== undefined) fail(`${prop} is for stream records, which onInsert: false forgoes`)
  }
  inRange('batchSize', props.batchSize, 1, 10_000, fail)
  inRange('maxConcurrency', props.maxConcurrency, 1, 1000, fail)
  inRange('retryAttempts', props.retryAttempts, 0, 10_000, fail)
  if (props.maxBatchingWindow && props.maxBatchingWindow.toSeconds() > 300)
    fail('maxBatchingWindow: at most 5 minutes')
  // A function that reports once per scheduled run must be judged by those reports.
  const alarms = { ...(schedule && { readingsEvery: schedule }), ...alarmsOf(props.alarms, pkPrefix, fail) }
  const asked = typeof props.alarms === 'object' ? props.alarms : {}
  if (asked.missingRuns && schedule === false) fail('alarms.missingRuns needs a schedule, which is false')
  if (asked.iteratorAge && !onInsert)
    fail('alarms.iteratorAge needs the stream, which onInsert: false forgoes')
  const deadLetterPks = deadLettersOf(props, pks)
  for (const pk of deadLetterPks) {
    assertLiteralKey('deadLetterPk', pk)
    if (pks.includes(pk))
      fail(`deadLetterPk '${pk}' is also a pk: its dead letters would be delivered again for ever`)
  }
  return { pks, shards, pkPrefix, deadLetterPks, alarms, schedule, wakeUp, name: pks[0] ?? `${pkPrefix}*` }
}

function scheduleOf(props: QueueWorkerProps, fail: (message: string) => never): Duration | false {
  const { wakeUp = 'schedule', onInsert = true, pkPrefix } = props
  if (wakeUp !== 'schedule' && wakeUp !== 'one-shot') fail("wakeUp must be 'schedule' or 'one-shot'")
  const isOneShot = wakeUp === 'one-shot'
  const { schedule = isOneShot ? Duration.hours(1) : Duration.minutes(1) } = props
  if (schedule) {
    const seconds = schedule.toSeconds()
    if (seconds < 60 || seconds > 86_400 || seconds % 60 !== 0)
      fail('schedule must be whole minutes, from one to a day')
  }
  if (!isOneShot) return schedule
  if (pkPrefix !== undefined) fail("wakeUp 'one-shot' needs pk: pkPrefix does not say which queues there are")
  if (!onInsert)
    fail("wakeUp 'one-shot' with onInsert: false: nothing tells the function of delayed messages")
  if (!schedule)
    fail("wakeUp 'one-shot' with schedule: false: what a process that died had claimed never comes again")
  else if (schedule.toSeconds() < MIN_NET_SECONDS)
    fail("wakeUp 'one-shot' saves nothing beside a schedule of less than five minutes")
  return schedule
}

function alarmsOf(
  option: QueueWorkerProps['alarms'],
  pkPrefix: string | undefined,
  fail: (message: string) => never,
): WorkerAlarmOptions {
  if (pkPrefix === undefined)
    return option === undefined ? DEFAULT_ALARMS : option === true ? ALL_ALARMS : option || {}
  const { deadLetters, oldestMessageAge, backlog, silence }: WorkerAlarmOptions =
    typeof option === 'object' ? option : {}
  if (deadLetters || oldestMessageAge || backlog || silence)
    fail(
      'alarms.deadLetters, alarms.oldestMessageAge, alarms.backlog and alarms.silence need pk: pkPrefix does not say which queues there are',
    )
  if (typeof option === 'object') return option
  return option === false ? {} : RUN_ALARMS
}

function deadLettersOf({ deadLetterPk }: QueueWorkerProps, pks: readonly string[]): readonly string[] {
  if (deadLetterPk === undefined) return pks.map((pk) => pk + DEAD_LETTER_SUFFIX)
  return typeof deadLetterPk === 'string' ? [deadLetterPk] : deadLetterPk
}

function inRange(
  prop: string,
  value: number | undefined,
  least: number,
  most: number,
  fail: (message: string) => never,
): void {
  if (value === undefined || Token.isUnresolved(value)) return
  if (!Number.isInteger(value) || value < least || value > most)
    fail(`${prop} must be a whole number from ${least} to ${most}`)
}
