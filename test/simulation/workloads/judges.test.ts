/** A judge that finds nothing is a bug: for each that stands in a workload itself, defects that it must find. */
import { expect, test } from 'vitest'
import type { Storage } from '../../../src/storage.ts'
import { atomic } from '../../../src/transactions/index.ts'
import { bound, unguarded, without } from '../defects.ts'
import { simulateSeed } from '../run.ts'
import type { Workload } from './actor.ts'
import { leasesWorkload } from './leases.ts'
import { type Build, ordersWorkload } from './orders.ts'
import { rangesWorkload } from './ranges.ts'

interface Defect {
  workload: () => Workload
  spoil?: (storage: Storage) => Storage
  found: RegExp
}

const onPages =
  (change: (storage: Storage) => Storage['page']) =>
  (storage: Storage): Storage => ({ ...bound(storage), page: change(storage) })

let sent = 0
/** Commits what was already sent, whatever became of it. */
const careless: Build = (db) => {
  const operations = atomic(db)
  return {
    update: (key, changes) => operations.update(key, changes as never),
    queuePush: (items) => operations.queuePush(items),
    commit: () => db.transact(operations.operations),
  }
}

const defects: Record<string, Defect> = {
  'the end of a page is left out': {
    workload: rangesWorkload,
    spoil: onPages((storage) => async (range, options) => {
      const page = await storage.page(range, options)
      return page.next === undefined ? page : { ...page, rows: page.rows.slice(0, -1) }
    }),
    found: /range: missing/,
  },
  'reads of ranges are eventual': {
    workload: rangesWorkload,
    spoil: onPages((storage) => (range, options) => storage.page(range, { ...options, consistent: false })),
    found: /range: (missing|not there|count)/,
  },
  'a page begins once more with the last row of the one before': {
    workload: rangesWorkload,
    spoil: onPages((storage) => async (range, options) => {
      const page = await storage.page(range, options)
      return { ...page, rows: page.rows.flatMap((row, i) => (i === 2 ? [row, row] : [row])) }
    }),
    found: /range: order/,
  },
  'a range has no end: more is deleted than was asked for': {
    workload: rangesWorkload,
    spoil: onPages(
      (storage) =>
        ({ to: _, ...range }, options) =>
          storage.page(range, options),
    ),
    found: /range: (missing|count)/,
  },
  'a count is one too high': {
    workload: rangesWorkload,
    spoil: onPages((storage) => async (range, options) => {
      const page = await storage.page(range, options)
      return range.count && page.count !== undefined ? { ...page, count: page.count + 1 } : page
    }),
    found: /range: count/,
  },
  'deletions of a batch are lost': {
    workload: rangesWorkload,
    spoil: (storage) => ({
      ...bound(storage),
      write: (writes, options) =>
        storage.write(
          writes.filter((_, i) => i !== 1),
          options,
        ),
    }),
    found: /range: not there/,
  },
  'permits are not counted': {
    workload: leasesWorkload,
    spoil: (storage) => without(storage, unguarded('holders')),
    found: /semaphore: too many/,
  },
  'a writer does not look for readers': {
    workload: leasesWorkload,
    spoil: (storage) => without(storage, unguarded('readers')),
    found: /read-write lock: not alone/,
  },
  'nobody looks for a writer': {
    workload: leasesWorkload,
    spoil: (storage) => without(storage, unguarded('writer')),
    found: /read-write lock: not alone/,
  },
  'a token is forgotten': {
    workload: ordersWorkload,
    spoil: (storage) => ({
      ...bound(storage),
      transact: (operations, token, options) => storage.transact(operations, `${token}${sent++}`, options),
    }),
    found: /orders: effect/,
  },
  'a builder commits again what may have been applied': {
    workload: () => ordersWorkload(careless),
    found: /orders: effect/,
  },
  'a transaction is not atomic': {
    workload: ordersWorkload,
    spoil: (storage) => ({
      ...bound(storage),
      transact: (operations, token, options) =>
        storage.transact(operations.length > 1 ? operations.slice(0, -1) : operations, token, options),
    }),
    found: /orders: (sum|atomicity)/,
  },
}

test.each(Object.keys(defects))('%s', async (name) => {
  const { workload, spoil, found } = defects[name]!
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 100; seed++) {
    const run = await simulateSeed({
      seed,
      steps: 1000,
      workloads: () => [workload()],
      ...(spoil && { spoil }),
    })
    for (const { kind } of run.findings) kinds.add(kind)
    if ([...kinds].some((kind) => found.test(kind))) return
  }
  expect.fail(`not found in 100 seeds; found: ${[...kinds].join(', ') || 'nothing'}`)
})

test.each([rangesWorkload, leasesWorkload, ordersWorkload])(
  '%o finds nothing where nothing is wrong',
  async (workload) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { findings } = await simulateSeed({ seed, steps: 1000, workloads: () => [workload()] })
      expect(findings, `seed ${seed}`).toEqual([])
    }
  },
)
