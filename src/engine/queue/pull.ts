import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbQueueItem,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
} from '../../interface.ts'
import type { Page, Row, RowChange } from '../../storage.ts'
import { both, isLive } from '../conditions.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import { retried } from '../retry.ts'
import { rowBytes } from '../values.ts'
import { bury, deadLetterOf } from './dead.ts'
import { settled } from './hold.ts'
import { checkSeconds, checkText, isMessage, isReady, ready, toMessage } from './messages.ts'
import {
  beginRescan,
  endRescan,
  isBeyond,
  mayRescan,
  ownDue,
  remember,
  rescanIsDue,
  type View,
  viewOf,
} from './view.ts'

const maxWindow = 64
const maxPage = 1000

/** One pull: what is asked, and what it has got so far. */
interface Pull {
  context: Context
  view: View
  options: AtomicDbQueuePullManyOptions
  seconds: number
  deadLetter: string
  rows: Row[]
}

export async function pull<T>(
  context: Context,
  options: AtomicDbQueuePullOptions,
): Promise<AtomicDbQueuePullResult<T>> {
  const { items } = await pullMany<T>(context, { ...options, limit: 1 })
  return items[0] ? { item: items[0] } : {}
}

export async function pullMany<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<{ items: AtomicDbQueueItem<T>[] }> {
  checkPk(options?.pk)
  const seconds = checkSeconds(options.ttlSeconds ?? 300, 'ttlSeconds', 1)
  checkCount(options.limit, 'limit')
  if (options.maxReceives !== undefined) checkCount(options.maxReceives, 'maxReceives')
  if (options.group !== undefined) checkText(options.group, 'group', 128)
  const deadLetter = deadLetterOf(options.pk, options.deadLetter)
  const view = viewOf(context, options.pk)
  const mine: Pull = { context, view, options, seconds, deadLetter, rows: [] }
  try {
    await (options.strict || options.group !== undefined ? strictly(mine) : freely(mine))
  } catch (error) {
    // What is claimed already must not stay invisible because a later page failed.
    if (mine.rows.length === 0 || options.signal?.aborted) throw error
  }
  const now = context.runtime.now()
  const items = mine.rows.map((row) => toMessage<T>(row, now))
  if (items.length > 1) items.sort((a, b) => (isBeyond(a.sk, b.sk) ? 1 : -1))
  return { items }
}

export function checkCount(value: unknown, field: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw new InvalidInput(field, 'must be a whole number from 1', { given: String(value) })
}

const missing = (mine: Pull): number => mine.options.limit - mine.rows.length

export function readPage(
  context: Context,
  pk: string,
  after: string | undefined,
  limit: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const range = { pk, after, limit }
  return retried(context, 'read', [], signal, () => context.storage.page(range, { consistent: true, signal }))
}

async function freely(mine: Pull): Promise<void> {
  const { context, view, options } = mine
  const { runtime } = context
  const own = ownDue(view, runtime.now(), Math.min(100, options.limit))
  if (own.length > 0) {
    const keys = own.map((sk) => ({ pk: options.pk, sk }))
    const rows = await retried(context, 'read', keys, options.signal, () =>
      context.storage.read(keys, { consistent: true, signal: options.signal }),
    )
    await take(
      mine,
      rows.filter((row): row is Row => row !== undefined && isReady(row, runtime.now())),
    )
    if (missing(mine) <= 0) return
  }
  if (rescanIsDue(view, runtime.monotonic(), runtime.now())) beginRescan(view, runtime.monotonic())
  await walk(mine)
  // Nothing beyond the frontier: something may have come back before it.
  if (mine.rows.length === 0 && mayRescan(view, runtime.monotonic())) {
    beginRescan(view, runtime.monotonic())
    await walk(mine)
  }
}

/** Pages from where the rescan or the frontier is, until enough is claimed or nothing is left. */
async function walk(mine: Pull): Promise<void> {
  const { context, view, options } = mine
  const { runtime } = context
  let after = view.scan ?? view.frontier
  // Up to the first row that can be given out, what was read need not be read again.
  let leading = true
  let grown = 0
  const cold = view.frontier === undefined
  while (missing(mine) > 0) {
    const least = Math.max(
      4,
      Math.ceil(missing(mine) * view.window) + view.claiming.size + 3 * (view.window > 1 ? 1 : 0),
    )
    const limit = Math.min(maxPage, Math.max(least, grown))
    const page = await readPage(context, options.pk, after || undefined, limit, options.signal)
    const now = runtime.now()
    const candidates: Row[] = []
    for (const row of page.rows) {
      if (isReady(row, now)) {
        leading = false
        if (!view.claiming.has(row.sk)) candidates.push(row)
        continue
      }
      if (view.scan !== undefined || (cold && leading)) view.bytes += rowBytes(row)
      if (isMessage(row) && isLive(row, Math.floor(now / 1000)) && !view.own.has(row.sk))
        view.due = Math.min(view.due, row.due as number)
      if (leading) advance(view, row.sk)
    }
    if (view.scan !== undefined && leading && page.next === undefined) endRescan(view, runtime.monotonic())
    grown = candidates.length === 0 ? limit * 2 : 0
    await take(mine, candidates)
    if (page.next === undefined) break
    after = page.next
  }
  if (cold && view.frontier !== undefined) endRescan(view, runtime.monotonic())

  function advance(of: View, sk: string): void {
    if (of.scan !== undefined) {
      if (isBeyond(sk, of.scan)) of.scan = sk
      if (isBeyond(sk, of.frontier)) endRescan(of, runtime.monotonic())
    }
    if (isBeyond(sk, of.frontier)) of.frontier = sk
  }
}

/**
 * Claims what is missing, among the first `window` candidates: the window grows when claims fail, because others
 * claim the same messages, and shrinks when they do not. Alone it is 1, which is exact order.
 */
async function take(mine: Pull, candidates: Row[]): Promise<void> {
  const { context, view } = mine
  while (candidates.length > 0 && missing(mine) > 0) {
    const wanted = Math.min(missing(mine), candidates.length)
    const blocks = Math.max(1, Math.floor(Math.min(candidates.length, wanted * view.window) / wanted))
    const some = candidates.splice(Math.floor(context.runtime.random() * blocks) * wanted, wanted)
    const failed = await claimAll(mine, some)
    const share = failed / some.length
    view.window = Math.min(maxWindow, Math.max(1, view.window * (1 + share) - 0.4 * (1 - share)))
  }
}

/** How many claims failed because somebody else was faster. */
async function claimAll(mine: Pull, rows: readonly Row[]): Promise<number> {
  const { view, options } = mine
  for (const { sk } of rows) view.claiming.add(sk)
  const settledClaims = await Promise.allSettled(
    rows.map(async (row) => {
      try {
        if ((row.n as number) >= (options.maxReceives ?? Number.POSITIVE_INFINITY)) {
          await bury(mine.context, row, mine.deadLetter, options)
          return 0
        }
        const got = await claim(mine, row)
        if (!got) return 1
        mine.rows.push(got)
        remember(view, got.sk, got.due as number)
        return 0
      } finally {
        view.claiming.delete(row.sk)
      }
    }),
  )
  let failed = 0
  for (const one of settledClaims) {
    if (one.status === 'rejected') throw one.reason
    failed += one.value
  }
  return failed
}

/** The row as it is when we have got it. */
async function claim({ context, seconds, options }: Pull, row: Row): Promise<Row | undefined> {
  const now = context.runtime.now()
  const receipt = context.id()
  const changes: RowChange[] = [
    { op: 'set', path: ['r'], value: receipt },
    { op: 'set', path: ['due'], value: now + seconds * 1000 },
    { op: 'add', path: ['n'], value: 1 },
    { op: 'setIfAbsent', path: ['first'], value: now },
  ]
  const { maxReceives } = options
  const guard = both(
    ready(now),
    maxReceives === undefined
      ? undefined
      : { op: 'lt', left: { path: ['n'] }, right: { value: maxReceives } },
  )
  const key = { pk: row.pk, sk: row.sk }
  const result = await settled(context, key, { op: 'update', key, changes, guard }, options)
  return result.applied || result.row?.r === receipt ? result.row : undefined
}

/** At most one message of each group, and only the first one that is there. */
async function strictly(mine: Pull): Promise<void> {
  const { context, options } = mine
  for (;;) {
    const closed = new Set<string>()
    let buried = false
    let after: string | undefined
    let limit = Math.max(4, options.limit)
    do {
      const page = await readPage(context, options.pk, after, limit, options.signal)
      const now = context.runtime.now()
      const heads: Row[] = []
      for (const row of page.rows) {
        const group = (row.g as string | undefined) ?? ''
        if (!isMessage(row) || !isLive(row, Math.floor(now / 1000)) || closed.has(group)) continue
        if (options.group !== undefined && group !== options.group) continue
        if (isReady(row, now)) {
          closed.add(group)
          if (!mine.view.claiming.has(row.sk)) heads.push(row)
        }
        // Pushed with a delay and never received: it is not yet there for anybody.
        else if ((row.n as number) > 0) closed.add(group)
      }
      while (heads.length > 0 && missing(mine) > 0) {
        const before = mine.rows.length
        const some = heads.splice(0, missing(mine))
        const failed = await claimAll(mine, some)
        if (some.length - failed > mine.rows.length - before) buried = true
      }
      after = page.next
      limit = Math.min(maxPage, limit * 2)
    } while (after !== undefined && missing(mine) > 0 && !(options.group !== undefined && closed.size > 0))
    // Behind a message that went to the dead letters the next one of its group may come.
    if (!buried || mine.rows.length > 0) return
  }
}
