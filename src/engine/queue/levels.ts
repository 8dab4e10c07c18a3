import type { MessageRow } from '../../model/message-row.ts'
import { type Priority, partOf, priorities, priorityOf } from '../../model/priorities.ts'
import { type Pull, stillWanted } from './claim.ts'
import { type Partition, partitionOf } from './in-flight.ts'
import type { LevelUse } from './level-use.ts'
import { bySk } from './order.ts'
import { pullByScan, scanAgain } from './scan.ts'

/**
 * Pulls from a partition whose messages have priorities: of each one by itself, by turns. A partition in which none is
 * known is read as a whole; who meets a message with a priority there begins anew, and asks for each one from then on.
 */
export async function pullByLevels(pull: Pull): Promise<void> {
  const { context, options } = pull
  const { runtime } = context
  const partition = partitionOf(context, options.pk)
  const { use } = partition
  use.retire(runtime.monotonic(), (priority) => partition.view(priority).isHolding)
  for (const { sk } of pull.side) use.note(priorityOf(sk), runtime.monotonic())
  if (use.known.length === 0) {
    await pullByScan(pull)
    if (use.known.length === 0) return
  }
  if (stillWanted(pull) > 0) await byTurns(pull, partition)
}

async function byTurns(pull: Pull, partition: Partition): Promise<void> {
  const { use } = partition
  const before = pull.rows.length
  const asked = new Set<Priority>()
  const ask = async (priority: Priority, most: number, way = pullByScan) => {
    const limit = Math.min(most, stillWanted(pull))
    if (limit <= 0) return
    asked.add(priority)
    await askFor(pull, partition, priority, { limit, way })
  }
  const shares = use.shares(stillWanted(pull))
  let given = 0
  for (const one of priorities) {
    given += shares.get(one) ?? 0
    // What those before it did not use goes to this one.
    if (isWorthAsking(pull, partition, one)) await ask(one, given - (pull.rows.length - before))
  }
  for (const one of priorities) if (isWorthAsking(pull, partition, one)) await ask(one, pull.options.limit)
  // Nothing is said to be there before all have been asked, also for what has come back.
  const isNothing = () => pull.rows.length === before
  for (const one of use.known) if (isNothing() && !asked.has(one)) await ask(one, pull.options.limit)
  for (const one of use.known) if (isNothing()) await ask(one, pull.options.limit, scanAgain)
  use.advance(pull.rows.length - before)
}

function isWorthAsking({ context, side }: Pull, partition: Partition, priority: Priority): boolean {
  const { runtime } = context
  return (
    partition.use.isWorthAsking(priority, runtime.monotonic()) ||
    (partition.use.isKnown(priority) && partition.view(priority).nextDue <= runtime.now()) ||
    side.some(({ sk }) => priorityOf(sk) === priority)
  )
}

/** The pull of one priority. What it has claimed counts also where it fails. */
async function askFor(
  pull: Pull,
  partition: Partition,
  priority: Priority,
  { limit, way }: { limit: number; way: (pull: Pull) => Promise<void> },
): Promise<void> {
  const begun = pull.context.runtime.monotonic()
  const isOfIt = ({ sk }: MessageRow) => priorityOf(sk) === priority
  const { use } = partition
  const inFlight = partition.view(priority)
  const part = partFor(priority, use)
  inFlight.confine(part)
  const known = use.known.length
  const one: Pull = {
    ...pull,
    options: { ...pull.options, limit },
    inFlight,
    part,
    rows: [],
    side: pull.side.filter(isOfIt),
    missed: 0,
    nextDue: Number.POSITIVE_INFINITY,
  }
  try {
    await way(one)
  } finally {
    pull.rows.push(...one.rows)
    pull.missed += one.missed
    pull.nextDue = Math.min(pull.nextDue, one.nextDue)
    pull.side = [...pull.side.filter((row) => !isOfIt(row)), ...one.side].sort(bySk)
    const isMore = one.rows.length >= limit || one.missed > 0 || use.known.length > known
    use.asked(priority, begun, one.rows.length, isMore)
  }
}

/** Normal ones are read together with what nobody is known to have, so that it is met. */
function partFor(priority: Priority, use: LevelUse): Pull['part'] & object {
  const { after, to } = partOf[priority]
  if (priority !== 'normal') return { ...(after && { after }), ...(to && { to }) }
  return { ...(use.isKnown('high') && { after }), ...(use.isKnown('low') && { to }) } as Pull['part'] & object
}

/** The messages in the order in which they should be given out, `wanted` at first. */
export function inTurns<T extends { sk: string }>(pull: Pull, rows: readonly T[], wanted: number): T[] {
  const { use } = partitionOf(pull.context, pull.options.pk)
  if (use.known.length === 0) return [...rows]
  const shares = use.shares(wanted)
  const first = new Set<T>()
  for (const one of priorities)
    for (const row of rows.filter(({ sk }) => priorityOf(sk) === one).slice(0, shares.get(one) ?? 0))
      first.add(row)
  return [...[...first].sort(bySk), ...rows.filter((row) => !first.has(row))]
}
