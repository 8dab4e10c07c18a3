import { InvalidInput } from '../../errors.ts'
import type { AtomicDbDeadLetter, AtomicDbQueueRedriveOptions, CallOptions } from '../../interface.ts'
import type { Guard, Row } from '../../storage.ts'
import { both, free } from '../conditions.ts'
import { type Context, nowSeconds } from '../context.ts'
import { checkPk, keyText } from '../keys.ts'
import { retried } from '../retry.ts'
import { checkCount, isMessage, isReady, ready } from './messages.ts'
import { readPage } from './read.ts'
import { arrived } from './view.ts'

const suffix = '#dead'

export function deadLetterOf(pk: string, given: string | undefined): string {
  if (given === undefined) return pk + suffix
  checkPk(given, 'deadLetter')
  if (given === pk) throw new InvalidInput('deadLetter', 'must be another queue than pk')
  return given
}

/** Moves a message that is not in processing, in one transaction; false when somebody else has taken it meanwhile. */
async function move(
  context: Context,
  row: Row,
  to: Row,
  _options: CallOptions,
  guard = asReceived(context, row),
): Promise<boolean> {
  const key = { pk: row.pk, sk: row.sk }
  for (;;) {
    const token = context.id()
    const put = { op: 'put' as const, row: to, guard: free(nowSeconds(context)) }
    const failed = await retried(context, 'idempotent', [key], () =>
      context.storage.transact([{ op: 'delete', key, guard }, put], token, { signal: context.call.signal }),
    )
    if (failed.length === 0) return true
    if (failed.some(({ index }) => index === 0)) return false
    // Something of that key is there: the message goes behind it.
    to.sk = context.ulid()
  }
}

function asReceived(context: Context, row: Row): Guard {
  const same: Guard = { op: 'eq', left: { path: ['n'] }, right: { value: row.n } }
  return both(ready(context.runtime.now()), same)
}

/** What of a message goes along; its receipts and deadlines do not. */
function moved(row: Row, pk: string): Row {
  const { due: _due, r: _r, first: _first, dl: _dl, ...rest } = row
  return { ...rest, pk, n: 0 }
}

/** `why`: given for a message that we hold ourselves. */
export function bury(
  context: Context,
  row: Row,
  deadLetter: string,
  options: CallOptions,
  why?: { reason: string; guard: Guard },
): Promise<boolean> {
  const dl: AtomicDbDeadLetter = {
    from: row.pk,
    reason: why?.reason ?? (row.why as string | undefined) ?? `received ${row.n} times`,
    at: context.runtime.now(),
    receives: row.n as number,
  }
  return move(context, row, { ...moved(row, deadLetter), dl }, options, why?.guard)
}

export async function redrive(context: Context, options: AtomicDbQueueRedriveOptions): Promise<number> {
  checkPk(options?.from, 'from')
  if (options.to !== undefined) checkPk(options.to, 'to')
  if (options.to === options.from) throw new InvalidInput('to', 'must be another queue than from')
  if (options.limit !== undefined) checkCount(options.limit, 'limit')
  let left = options.limit ?? Number.POSITIVE_INFINITY
  let count = 0
  let after: string | undefined
  const tried = new Set<string>()
  do {
    const page = await readPage(context, options.from, after, undefined)
    for (const row of page.rows) {
      if (left <= 0) return count
      if (!isMessage(row) || !isReady(row, context.runtime.now()) || tried.has(keyText(row))) continue
      tried.add(keyText(row))
      const to = options.to ?? (row.dl as AtomicDbDeadLetter | undefined)?.from
      // A message that was pushed here by hand has nowhere to go back to.
      if (to === undefined || to === row.pk) continue
      const { why: _why, ...target } = moved(row, to)
      if (!(await move(context, row, target as Row, options))) continue
      arrived(context, target as Row)
      count++
      left--
    }
    after = page.next
  } while (after !== undefined)
  return count
}
