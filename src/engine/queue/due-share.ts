import { InvalidInput } from '../../errors.ts'
import { scheduledName } from '../../model/key-names.ts'
import type { Context } from '../context.ts'
import { type Control, knowControl } from './control.ts'
import type { Places } from './places.ts'
import { type Found, noneFound, type PullAt } from './pull-places.ts'
import { isAnyScheduled } from './scheduled.ts'

/**
 * What was due later lies beside the shards of a queue, in one partition. While shards are known to have work, half of
 * what is pulled comes from there: neither waits behind the other's backlog.
 */
export function dueShare(places: Places, limit: number): number {
  if (places.awake().length === 0) return limit
  return Math.floor((limit + places.nextHalf()) / 2)
}

/** A pull of what was due later. */
interface DuePull<T> {
  readonly context: Context
  /** The queue without its shards. */
  readonly name: string
  readonly control: Control
  readonly pullAt: PullAt<T>
}

/** Of a queue with shards, what was due later. That it cannot be asked for does not keep back the shards. */
export async function pullScheduled<T>(
  { context, name, control, pullAt }: DuePull<T>,
  limit: number,
): Promise<Found<T>> {
  const none = noneFound<T>()
  try {
    await knowControl(context, control)
    if (!isAnyScheduled(control)) return none
    const { items, dead = [], missed = 0, nextDue, paused } = await pullAt(scheduledName(name), limit, true)
    const isPaused = paused === true
    return {
      ...none,
      items,
      dead,
      missed,
      isPaused,
      nextDue: (isPaused ? undefined : nextDue) ?? none.nextDue,
    }
  } catch (failure) {
    if (failure instanceof InvalidInput) throw failure
    return { ...none, failure }
  }
}
