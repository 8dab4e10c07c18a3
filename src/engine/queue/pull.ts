import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueOutlook,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullManyResult,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from '../../interface.ts'
import { maxMoment, shortText, wholeNumber, wholeSeconds } from '../../model/checks.ts'
import { checkFamilyName } from '../../model/families.ts'
import { controlKey, workControlKey } from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { type ClaimedRow, isHeldGuard, toMessage } from '../../model/message-row.ts'
import { priorityOf } from '../../model/priorities.ts'
import { checkShards, shardOf } from '../../model/shards.ts'
import type { Context } from '../context.ts'
import { claimUpTo, type Pull, type PullOptions, stillWanted } from './claim.ts'
import { type Control, controlOf } from './control.ts'
import { isPausedAfter } from './control-pages.ts'
import { bury, deadLetterOf } from './dead-letters.ts'
import { dueShare, pullScheduled } from './due-share.ts'
import { idleLook } from './idle-look.ts'
import { inFlightOf, partitionOf } from './in-flight.ts'
import { inTurns, pullByLevels } from './levels.ts'
import { bySk } from './order.ts'
import { fetchPayloads, payloadKeyOf } from './payload.ts'
import { Places, placesOf } from './places.ts'
import { familyReliedMs, shardReliedMs } from './pointers.ts'
import { noneFound, type PullAt, pullPlaces } from './pull-places.ts'
import { giveBack } from './receipts.ts'
import { gatherDue, isOfSchedule, nextScheduled } from './scheduled.ts'
import { pullInOrder } from './strict-order.ts'

/** Visibility timeout. */
const defaultSeconds = 300

export async function pullOne<T>(
  context: Context,
  options: AtomicDbQueuePullOptions,
): Promise<AtomicDbQueuePullResult<T>> {
  const { items, ...others } = await pullMany<T>(context, { ...options, limit: 1 })
  return { ...(items[0] && { item: items[0] }), ...others }
}

export async function pullMany<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<AtomicDbQueuePullManyResult<T>> {
  wholeNumber(options?.limit, 'limit', { min: 1 })
  const { pk, shards, family, group } = options
  if (family !== undefined) {
    for (const name of ['pk', 'shards', 'group'] as const)
      if (options[name] !== undefined) throw new InvalidInput(name, 'cannot stand with family')
    return pullWork<T>(context, options, checkFamilyName(family), true)
  }
  checkPk(pk)
  if (shards === undefined)
    return pullQueue<T>(context, { ...options, pk: pk! }, controlOf(context, controlKey(pk!)))
  checkShards(shards)
  if (group === undefined) return pullWork<T>(context, options, pk!, false)
  const ofShard = {
    ...options,
    deadLetter: deadLetterOf(pk!, options.deadLetter),
    pk: shardOf(pk!, shards, group),
  }
  return pullQueue<T>(context, ofShard, controlOf(context, workControlKey(pk!)))
}

/** Pulls from the shards of a queue, or the queues of a family, that have work; half of it of what was due later. */
async function pullWork<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
  name: string,
  isFamily: boolean,
): Promise<AtomicDbQueuePullManyResult<T>> {
  const control = controlOf(context, workControlKey(name))
  const deadLetter = deadLetterOf(name, options.deadLetter)
  const reliedMs = isFamily ? familyReliedMs : shardReliedMs
  const places = placesOf(context, control.key.pk, () => new Places(name, isFamily, reliedMs))
  begin(context, { ...options, pk: name }, control)
  const isUp = isUpAfter(context, options)
  const pullAt: PullAt<T> = (pk, limit, consistent) =>
    pullQueue<T>(context, { ...options, pk, limit, deadLetter, consistent }, control)
  const more = isFamily
    ? undefined
    : (limit: number) => pullScheduled<T>({ context, name, control, pullAt }, limit)
  const share = dueShare(places, options.limit)
  const first = more === undefined || share === 0 ? noneFound<T>() : await more(share)
  const { items, dead, ...seen } = await pullPlaces<T>({
    context,
    work: { name, places, control },
    limit: options.limit,
    isIdleLook: options.consistent === false,
    pullAt,
    isUp,
    first,
    // Who was given fewer than asked for knows that there are no more.
    more: share < options.limit && first.items.length === share ? more : undefined,
  })
  return { items, ...(dead.length > 0 && { dead }), ...outlook(seen, context.runtime.now()) }
}

/** The way of one pull: find messages and claim them, load their payloads, hand them out. */
async function pullQueue<T>(
  context: Context,
  options: PullOptions,
  control: Control,
): Promise<AtomicDbQueuePullManyResult<T>> {
  const pull = begin(context, options, control)
  try {
    await findAndClaim(pull)
  } catch (error) {
    // What is claimed already must not stay invisible because a later page failed, or the caller gave up.
    if (isEmpty(pull)) throw error
  }
  await loadPayloads(pull)
  return handOut<T>(pull)
}

/** A known pause is asked about first; an idle look goes before the ordinary pull, mostly in its place. */
async function findAndClaim(pull: Pull): Promise<void> {
  const { options, control, context } = pull
  if (control.pausedUntil(context.runtime.now()) !== undefined && (await isPausedAfter(pull))) return
  const isStrict = options.strict === true || options.group !== undefined
  const knew = await gatherDue(pull, isStrict)
  if (isOfSchedule(pull)) {
    if (!(await isPausedAfter(pull))) await claimSide(pull)
    return
  }
  if (options.consistent !== false || pull.side.length > 0 || !(await idleLook(pull, isStrict))) {
    pull.isUncertain = false
    await (isStrict ? pullInOrder(pull) : pullByLevels(pull))
  }
  // The first pull of a process learns by its own query that there is more to look at.
  if (!knew && stillWanted(pull) > 0 && (await gatherDue(pull, isStrict)) && isStrict) await pullInOrder(pull)
  if (pull.side.length > 0 && !(await isPausedAfter(pull))) await claimSide(pull)
}

/** What was due later and has no place among others. */
async function claimSide(pull: Pull): Promise<void> {
  const { use } = partitionOf(pull.context, pull.options.pk)
  for (const { sk } of pull.side) use.note(priorityOf(sk), pull.context.runtime.monotonic())
  const before = pull.rows.length
  await claimUpTo(pull, inTurns(pull, pull.side, stillWanted(pull)), new Set(), true)
  use.advance(pull.rows.length - before)
}

function begin(context: Context, options: PullOptions, control: Control): Pull {
  const seconds = wholeSeconds(options.ttlSeconds ?? defaultSeconds, 'ttlSeconds', { min: 1 })
  if (options.maxReceives !== undefined) wholeNumber(options.maxReceives, 'maxReceives', { min: 1 })
  if (options.group !== undefined) shortText(options.group, 'group', 128)
  if (options.exceptGroups !== undefined) checkExceptGroups(options)
  const deadLetter = deadLetterOf(options.pk, options.deadLetter)
  return {
    context,
    inFlight: inFlightOf(context, options.pk),
    options,
    seconds,
    deadLetter,
    rows: [],
    dead: [],
    control,
    side: [],
    isCollecting: false,
    isUncertain: false,
    nextDue: Number.POSITIVE_INFINITY,
    missed: 0,
  }
}

function checkExceptGroups({ exceptGroups, strict, group }: AtomicDbQueuePullManyOptions): void {
  if (!Array.isArray(exceptGroups) || exceptGroups.length > 1000)
    throw new InvalidInput('exceptGroups', 'must be a list of at most 1000 groups', {
      given: typeof exceptGroups,
    })
  for (const [index, one] of exceptGroups.entries()) shortText(one, `exceptGroups[${index}]`, 128)
  if (strict || group !== undefined)
    throw new InvalidInput(
      'exceptGroups',
      'cannot stand with strict or group: these keep the order of groups',
    )
}

const isEmpty = ({ rows, dead }: Pull): boolean => rows.length + dead.length === 0

/** A message whose payload was deleted goes to the dead letters; one that is gone was acknowledged meanwhile. */
async function loadPayloads(pull: Pull): Promise<void> {
  const { context, deadLetter } = pull
  // Dead letters are returned with their data where that can be read.
  const letters = pull.dead.filter(({ data }) => data === undefined)
  await fetchPayloads(context, letters).catch(() => {})
  let lacking: ClaimedRow[]
  try {
    lacking = await fetchPayloads(context, pull.rows)
  } catch (error) {
    await giveBackLarge(pull)
    if (isEmpty(pull)) throw error
    return
  }
  for (const row of lacking) {
    const guard = isHeldGuard(row.r)
    const letter = await bury(context, row, deadLetter, { reason: 'its payload is gone', guard })
    if (letter) pull.dead.push(letter)
  }
  pull.rows = pull.rows.filter((row) => !lacking.includes(row))
}

function handOut<T>(pull: Pull): AtomicDbQueuePullManyResult<T> {
  const { context, options, rows, dead, control, missed } = pull
  const partition = partitionOf(context, options.pk)
  const now = context.runtime.now()
  const items = rows.sort(bySk).map((row) => toMessage<T>(row, now))
  const pausedUntil = control.pausedUntil(now)
  // Who found nothing goes by the answer.
  if (rows.length === 0) for (const view of partition.views) view.findOwnDue()
  const later = Math.min(pull.nextDue, nextScheduled(pull))
  const known = pull.isUncertain ? later : Math.min(later, partition.nextDue)
  const seen = { nextDue: pausedUntil ?? known, missed, isPaused: pausedUntil !== undefined }
  return {
    items,
    ...(dead.length > 0 && { dead: dead.map((row) => toMessage<T>(row, now)) }),
    ...outlook(seen, now),
  }
}

/** What a pull has seen beside the messages. */
interface Outlook {
  nextDue: number
  missed: number
  isPaused: boolean
}

/** As the caller gets it: what says nothing is absent. */
const outlook = ({ nextDue, missed, isPaused }: Outlook, now: number): AtomicDbQueueOutlook => ({
  ...(nextDue > now && nextDue < maxMoment && { nextDue }),
  ...(isPaused && { paused: true }),
  ...(missed > 0 && { missed }),
})

/** A message whose payload cannot be read at the moment comes back after this time, seconds. */
const unreadableSeconds = 5

/**
 * Gives back messages whose payloads cannot be read. Nobody has seen them: they do not count as received. They come
 * back behind those that can be read, except where order is strict.
 */
async function giveBackLarge(pull: Pull): Promise<void> {
  const { context, options } = pull
  const large = pull.rows.filter((row) => payloadKeyOf(row) !== undefined)
  pull.rows = pull.rows.filter((row) => !large.includes(row))
  const delaySeconds = options.strict ? 0 : unreadableSeconds
  const given = Promise.allSettled(large.map((row) => giveBack(context, row, delaySeconds)))
  // A call that has ended does not wait for it.
  if (!context.call.signal?.aborted) await given
}

/** Whether a quarter of the visibility timeout has passed since now. */
function isUpAfter(
  { runtime }: Context,
  { ttlSeconds = defaultSeconds }: { ttlSeconds?: number },
): () => boolean {
  const until = runtime.monotonic() + ttlSeconds * 250
  return () => runtime.monotonic() >= until
}
