import { controlSk } from '../../model/key-names.ts'
import type { Page, Range } from '../../storage.ts'
import type { Pull } from './claim.ts'
import { knowControl } from './control.ts'
import { isBeyond } from './order.ts'

/**
 * A page of the queue without its control row, which lies behind all ULIDs: a page that reaches the end shows it, or
 * that there is none. It is no message, so nothing moves past it.
 */
export function withoutControl(pull: Pull, { pk, after }: Range, page: Page): Page {
  const { control, context } = pull
  if (control.key.pk !== pk || control.key.sk !== controlSk) return page
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
