import { InvalidInput } from '../../errors.ts'
import type { AtomicDbDeadLetter, AtomicDbQueueRedriveOptions } from '../../interface.ts'
import { checkShards, queueOfShard } from '../../shards.ts'
import { type Guard, type Row, type RowOperation, StorageFault } from '../../storage.ts'
import { announcePush } from '../../wake.ts'
import { both, free } from '../conditions.ts'
import { type Context, nowSeconds } from '../context.ts'
import { checkPk, keyText } from '../keys.ts'
import { transactCertainly } from '../lost-replies.ts'
import { maxItemBytes, rowBytes } from '../values.ts'
import { checkCount, isMessage, isReady, ready } from './messages.ts'
import { readPage } from './read.ts'
import { shardFor } from './shards.ts'
import { arrived } from './view.ts'

const suffix = '#dead'
/** A message that has been through so many dead-letter queues goes in a circle. */
const maxHops = 5

export function deadLetterOf(pk: string, given: string | undefined): string {
  if (given === undefined) return pk + suffix
  checkPk(given, 'deadLetter')
  if (given === pk) throw new InvalidInput('deadLetter', 'must be another queue than pk')
  return given
}

/**
 * Moves a message in one transaction, with what goes along. False: somebody else has taken it meanwhile.
 */
async function move(
  context: Context,
  row: Row,
  to: Row,
  guard = asReceived(context, row),
  along: readonly RowOperation[] = [],
): Promise<boolean> {
  const key = { pk: row.pk, sk: row.sk }
  for (;;) {
    const put = { op: 'put' as const, row: to, guard: free(nowSeconds(context)) }
    const failed = await transactCertainly(context, [{ op: 'delete', key, guard }, put, ...along], [key])
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

/** `why`: given for a message that we hold ourselves. The letter; undefined when somebody else has taken it. */
export async function bury(
  context: Context,
  row: Row,
  deadLetter: string,
  why?: { reason: string; guard?: Guard },
): Promise<Row | undefined> {
  const before = row.dl as AtomicDbDeadLetter | undefined
  const dl: AtomicDbDeadLetter = {
    from: row.pk,
    reason: why?.reason ?? (row.why as string | undefined) ?? `received ${row.n} times`,
    at: context.runtime.now(),
    receives: row.n as number,
  }
  if (before !== undefined) dl.hops = (before.hops ?? 1) + 1
  // Two queues that are the dead letters of each other: it ends where nobody sends it on.
  const goesInCircles = before?.from === deadLetter || (dl.hops ?? 0) > maxHops
  const letter = { ...moved(row, goesInCircles ? queueOfShard(row.pk) + suffix : deadLetter), dl }
  if (rowBytes(letter) <= maxItemBytes)
    return (await move(context, row, letter, why?.guard)) ? letter : undefined
  return buryLarge(context, row, letter, why?.guard)
}

/** The letter is too large for one row: its data goes into a row of its own. */
async function buryLarge(
  context: Context,
  row: Row,
  { data, ...letter }: Row,
  guard?: Guard,
): Promise<Row | undefined> {
  letter.p = `${row.pk}#payload#${context.id()}`
  const payload: Row = { pk: letter.p as string, sk: '#', data }
  if (letter.ttl !== undefined) payload.ttl = letter.ttl
  const along: RowOperation[] = [{ op: 'put', row: payload }]
  try {
    const done = await move(context, row, letter as Row, guard, along)
    return done ? ({ ...letter, data } as Row) : undefined
  } catch (error) {
    // Only a row that no push of ours makes: it stays where it is, and others go past it.
    if (error instanceof StorageFault && error.kind === 'invalid') return undefined
    throw error
  }
}

export async function redrive(context: Context, options: AtomicDbQueueRedriveOptions): Promise<number> {
  checkPk(options?.from, 'from')
  if (options.to !== undefined) checkPk(options.to, 'to')
  if (options.to === options.from) throw new InvalidInput('to', 'must be another queue than from')
  if (options.limit !== undefined) checkCount(options.limit, 'limit')
  if (options.shards !== undefined) checkShards(options.shards)
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
      const to = targetOf(context, row, options)
      // A message that was pushed here by hand has nowhere to go back to.
      if (to === undefined || to === row.pk) continue
      const { why: _why, ...target } = moved(row, to) as Row
      // Those behind it in its group have gone on meanwhile: it takes its place behind them.
      if (row.g !== undefined && row.enq === undefined) target.sk = context.ulid()
      if (!(await move(context, row, target as Row))) continue
      arrived(context, target as Row)
      announcePush(context.runtime, target.pk)
      count++
      left--
    }
    after = page.next
  } while (after !== undefined)
  return count
}

/** Where a dead letter goes back to: its shard follows from what the shards are now. */
function targetOf(
  context: Context,
  row: Row,
  { to, shards }: AtomicDbQueueRedriveOptions,
): string | undefined {
  const from = (row.dl as AtomicDbDeadLetter | undefined)?.from
  const pk = to ?? from
  if (pk === undefined) return undefined
  const queue = queueOfShard(pk)
  if (shards !== undefined) {
    const key = row.enq === undefined ? undefined : row.sk
    return shardFor(context, shards, { pk: queue, group: row.g as string | undefined, sk: key })
  }
  if (to === undefined && queue !== pk)
    throw new InvalidInput(
      'shards',
      `is missing: dead letters come from ${pk}; say how many shards the consumers of ${queue} use now`,
    )
  return pk
}
