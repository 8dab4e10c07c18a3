import { controlSk } from '../../model/key-names.ts'
import { isMessage } from '../../model/message-row.ts'
import { partOf, priorityOf } from '../../model/priorities.ts'
import type { Page, Range } from '../../storage.ts'
import { readRange } from '../requests.ts'
import type { Pull } from './claim.ts'
import { controlMs, knowControl } from './control.ts'
import { partitionOf } from './in-flight.ts'
import { isBeyond } from './order.ts'

/**
 * A page of the queue without its control row, which lies behind all ULIDs: a page that reaches the end shows it, or
 * that there is none. It is no message, so nothing moves past it.
 */
export function withoutControl(pull: Pull, { pk, after, to }: Range, page: Page): Page {
  const { control, context } = pull
  if (control.key.pk !== pk || control.key.sk !== controlSk) return page
  if (to !== undefined && isBeyond(controlSk, to)) return page
  const row = page.rows.find(({ sk }) => sk === controlSk)
  const isBehind = page.next === undefined || isBeyond(page.next, controlSk)
  if (row || (isBehind && !isBeyond(after ?? '', controlSk) && after !== controlSk))
    control.note(row, context.runtime.monotonic())
  return row ? { ...page, rows: page.rows.filter((one) => one !== row) } : page
}

/** Whether the queue is paused; asks for the control row where no page has shown it lately. */
export async function isPausedAfter({ context, control }: Pull): Promise<boolean> {
  await knowControl(context, control)
  return control.pausedUntil(context.runtime.now()) !== undefined
}

/** A look at the end sees so many rows. */
const endRows = 2

/**
 * Low messages lie behind a backlog that nobody may ever come to the end of: a look at the end, every few seconds while
 * no page has reached it. 0.5 RRU; it shows the control row too, which is not read by itself then.
 */
export async function lookAtEnd(pull: Pull, page: Page): Promise<void> {
  const { context, options, isCollecting } = pull
  const { use } = partitionOf(context, options.pk)
  if (isCollecting || use.isKnown('low')) return
  const monotonic = context.runtime.monotonic()
  if (page.next === undefined) use.endSeenAt = monotonic
  if (monotonic - use.endSeenAt < controlMs) return
  use.endSeenAt = monotonic
  const range = { pk: options.pk, after: partOf.low.after, limit: endRows }
  const end = withoutControl(pull, range, await readRange(context, range, false))
  for (const row of end.rows) if (isMessage(row)) use.note(priorityOf(row.sk), monotonic)
}
