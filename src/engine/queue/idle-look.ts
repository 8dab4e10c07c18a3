import { isLive } from '../../model/expiry.ts'
import { isMessage, isReady } from '../../model/message-row.ts'
import { priorityOf } from '../../model/priorities.ts'
import { nowSeconds } from '../context.ts'
import { readRange } from '../requests.ts'
import { claimUpTo, type Pull, stillWanted } from './claim.ts'
import { isPausedAfter, withoutControl } from './control-pages.ts'
import { partitionOf, viewOf } from './in-flight.ts'
import { inTurns } from './levels.ts'

/** A queue with more rows than this is not idle. */
const lookRows = 10

/**
 * One eventually consistent query from the start of the queue, which shows the control row too: half the price of a
 * strong one, and nothing is remembered of it. True: it has seen the whole queue, and claimed what it could. False: the
 * ordinary pull has to look.
 */
export async function idleLook(pull: Pull, isStrict: boolean): Promise<boolean> {
  const { context, options } = pull
  const { views, use } = partitionOf(context, options.pk)
  // What this process gave back is asked for by its key.
  if (views.some((view) => view.hasOwnDue(context.runtime.now()))) return false
  const range = { pk: options.pk, limit: lookRows }
  const page = withoutControl(pull, range, await readRange(context, range, false))
  if (page.next !== undefined) return false
  pull.isUncertain = true
  if (await isPausedAfter(pull)) return true
  const now = context.runtime.now()
  const live = page.rows.filter(isMessage).filter((row) => isLive(row, nowSeconds(context)))
  for (const { due } of live) if (due !== undefined && due > now) pull.nextDue = Math.min(pull.nextDue, due)
  const ready = live.filter((row) => isReady(row, now) && !viewOf(context, row).isClaiming(row.sk))
  if (ready.length === 0) return true
  // Whose turn it is in a group cannot be told from what may be old.
  if (isStrict) return false
  for (const { sk } of ready) use.note(priorityOf(sk), context.runtime.monotonic())
  const before = pull.rows.length
  await claimUpTo(pull, inTurns(pull, ready, stillWanted(pull)), new Set(), true)
  use.advance(pull.rows.length - before)
  return true
}
