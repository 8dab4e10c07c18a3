/** What the page does with messages that were selected, each only while it is as it was shown. */

import { exists } from '../../contract/conditions.ts'
import { ConditionFailed, InvalidInput, RaceCondition, StaleReceipt } from '../../errors.ts'
import type { AtomicDbQueueItemKey } from '../../interface.ts'
import { isDeadLetterName } from '../../model/key-names.ts'
import { fromJson, toJson } from '../../model/tagged-json.ts'
import { justBefore } from '../just-before.ts'
import {
  type ConsoleCalls,
  type Given,
  listOf,
  numberOf,
  optionalText,
  textOf,
  type World,
} from '../world.ts'

/** What became of each message. */
interface Done {
  done: number
  /** Those that somebody else had changed or taken meanwhile: they stay as they are. */
  left: { sk: string; why: string }[]
}

const shownKey = (
  pk: string,
  { sk, receipt, pk: own }: Partial<AtomicDbQueueItemKey>,
): AtomicDbQueueItemKey => {
  if (typeof sk !== 'string' || sk === '') throw new InvalidInput('messages', 'each needs its sk')
  // Of a queue with shards, and of what is due later, the message lies beside the queue.
  const place = typeof own === 'string' && own.startsWith(pk) ? own : pk
  return typeof receipt === 'string' ? { pk: place, sk, receipt } : { pk: place, sk }
}

const isLost = (error: unknown): boolean =>
  error instanceof StaleReceipt || error instanceof RaceCondition || error instanceof ConditionFailed

async function each(
  given: Given,
  act: (key: AtomicDbQueueItemKey, one: Given) => Promise<string | undefined>,
): Promise<Done> {
  const pk = textOf(given, 'pk')
  const done: Done = { done: 0, left: [] }
  for (const one of listOf<Record<string, unknown>>(given, 'messages')) {
    const key = shownKey(pk, one)
    const why = await act(key, one).catch((error: unknown) => {
      if (isLost(error)) return 'somebody has changed or taken it meanwhile'
      throw error
    })
    if (why === undefined) done.done++
    else done.left.push({ sk: key.sk, why })
  }
  return done
}

/** One that was shown in flight goes only with the receipt that was shown, another one only while it waits. */
async function remove({ db, signal }: World, key: AtomicDbQueueItemKey): Promise<string | undefined> {
  if (key.receipt !== undefined) {
    await db.queueAcknowledge(key, { signal })
    return undefined
  }
  return (await db.queueCancel(key, { signal })) ? undefined : 'it is in flight, or not there any more'
}

/** Taken from whoever holds it, if that is still the one that was shown. */
async function release({ db, signal }: World, key: AtomicDbQueueItemKey): Promise<string | undefined> {
  if (key.receipt === undefined) return 'nobody holds it'
  await db.queueRelease(key, { reason: 'released from the console', signal })
  return undefined
}

/**
 * A new message first, then the old one is taken back. Where the old one is gone meanwhile, somebody handles it, and
 * the new one is taken back instead: between the two writes there are two messages, never none.
 */
async function pushAgain(world: World, key: AtomicDbQueueItemKey, given: Given): Promise<string | undefined> {
  const { db, signal } = world
  const [pushed] = await db.queuePush(
    {
      pk: textOf(given, 'to'),
      data: given.json === undefined ? undefined : fromJson(String(given.json)),
      group: optionalText(given, 'group'),
    },
    { signal },
  )
  const why = await remove(world, key).catch((error: unknown) => {
    if (isLost(error)) return 'somebody has changed or taken it meanwhile'
    throw error
  })
  if (why !== undefined) await db.queueCancel(pushed!, { signal })
  return why
}

/** The message as it is now must be the one that was edited. */
async function edit(world: World, given: Given): Promise<Done> {
  const shown = textOf(given, 'shown')
  return each({ ...given, messages: [given.message] }, async (key) => {
    const now = await at(world, key)
    if (now === undefined || toJson(now.data) !== shown) return 'it is not as it was shown'
    return pushAgain(world, key, given)
  })
}

async function at({ db, signal }: World, { pk, sk }: AtomicDbQueueItemKey) {
  // The message itself: the first one behind all keys that are smaller.
  const found = await db.queuePeek({ pk, limit: 1, after: justBefore(sk), signal })
  return found.find((one) => one.sk === sk)
}

/** Selected dead letters go back as new messages, behind those that wait: each one whole, or not at all. */
async function redriveSelected(world: World, given: Given): Promise<Done> {
  const { db, signal } = world
  return each(given, async (key) => {
    const letter = await at(world, key)
    if (!letter) return 'it is not there any more'
    const to = optionalText(given, 'to') ?? letter.deadLetter?.from
    if (to === undefined) return 'it was pushed here, so it has nowhere to go back to: say where to'
    const { data, group } = letter
    await db.transact(
      [
        // Somebody else may redrive it at this moment: not both of us.
        { type: 'delete', key: { pk: key.pk, sk: key.sk }, if: exists },
        { type: 'queuePush', item: { pk: to, data, group } },
      ],
      { signal },
    )
    return undefined
  })
}

/** All of them, or the first ones, in the order in which they lie there. */
async function redriveAll({ db, signal }: World, given: Given) {
  const from = textOf(given, 'pk')
  if (!isDeadLetterName(from) && given.to === undefined)
    throw new InvalidInput('to', `is missing: '${from}' is not named as a dead-letter queue, say where to`)
  const to = optionalText(given, 'to')
  const shards = given.shards === undefined ? undefined : numberOf(given, 'shards', 1, 10_000)
  const limit = numberOf(given, 'limit', 100, 1000)
  return { done: await db.queueRedrive({ from, to, shards, limit, signal }), left: [] }
}

async function pause({ db, signal }: World, given: Given) {
  const minutes = given.minutes === undefined ? undefined : numberOf(given, 'minutes', 60, 1_000_000)
  const until = minutes === undefined ? undefined : db.runtime.now() + minutes * 60_000
  await db.queuePause(textOf(given, 'pk'), { until, signal })
  return { paused: true }
}

export const messageCalls: ConsoleCalls = {
  'message.delete': {
    writes: true,
    confirms: 'pk',
    run: (world, given) => each(given, (key) => remove(world, key)),
  },
  'message.release': {
    writes: true,
    confirms: 'pk',
    run: (world, given) => each(given, (key) => release(world, key)),
  },
  'message.edit': { writes: true, confirms: 'pk', run: edit },
  'message.redrive': { writes: true, confirms: 'pk', run: redriveSelected },
  'queue.redrive': { writes: true, confirms: 'pk', run: redriveAll },
  'queue.pause': { writes: true, confirms: 'pk', run: pause },
  'queue.resume': {
    writes: true,
    run: async ({ db, signal }, given) => {
      await db.queueResume(textOf(given, 'pk'), { signal })
      return { paused: false }
    },
  },
}
