import { scanRows } from '../../model/scan-rows.ts'
import type { Row, Scan, ScanPage } from '../../storage.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

export function scans({ db, clock, test }: Kit): void {
  /** Every row of this test, by pages; positions go through JSON, as of a process that goes on where another ended. */
  async function scanned(pk: string, scan: Scan = {}): Promise<Row[]> {
    const rows: Row[] = []
    let after: ScanPage['next']
    do {
      const page = await scanRows(db(1), { ...scan, ...(after && { after }) })
      if (scan.limit !== undefined) assert.ok(page.scanned <= scan.limit)
      assert.ok(page.rows.length <= page.scanned)
      rows.push(...page.rows.filter((row) => row.pk.startsWith(pk)))
      after = page.next && JSON.parse(JSON.stringify(page.next))
    } while (after)
    return rows
  }
  const named = (rows: readonly Row[]) => rows.map((row) => `${row.pk}/${row.sk}`).sort()
  const items = (pk: string, partitions: number, each: number) =>
    Array.from({ length: partitions * each }, (_, i) => ({
      pk: `${pk}${i % partitions}é`,
      sk: `${Math.floor(i / partitions)}😀`,
      data: { n: i, even: i % 2 === 0 },
    }))

  test('a scan returns every row of the table once, whatever the size of its pages', async (pk) => {
    const rows = items(pk, 5, 7)
    await db().set(rows)
    for (const limit of [1, 4, 1000]) assert.deepEqual(named(await scanned(pk, { limit })), named(rows))
    const found = await scanned(pk)
    assert.deepEqual(named(found), named(rows))
    assert.deepEqual(found.find(({ sk, pk: one }) => one === rows[8]!.pk && sk === rows[8]!.sk)?.data, {
      n: 8,
      even: true,
    })
  })

  test('segments cut the table into parts that have every row once together', async (pk) => {
    const rows = items(pk, 12, 3)
    await db().set(rows)
    for (const segments of [1, 2, 7]) {
      const parts = []
      for (let segment = 0; segment < segments; segment++)
        parts.push(...(await scanned(pk, { segment, segments, limit: 5 })))
      assert.deepEqual(named(parts), named(rows))
    }
  })

  test('a scan shows locks, messages and what has expired, as they are stored', async (pk) => {
    await db().set({ pk, sk: 'old', ttl: seconds(clock, -10), data: 1 })
    const lock = await db().getLock({ pk, sk: 'a#lock' })
    const [message] = await db().queuePush({ pk: `${pk}queue`, data: 'm' })
    const rows = await scanned(pk)
    assert.deepEqual(rows.find(({ sk }) => sk === 'old')?.data, 1)
    assert.equal(rows.find(({ sk }) => sk === lock.sk)?.version, lock.version)
    assert.ok(rows.some(({ sk }) => sk === message!.sk))
  })

  test('a scan goes on behind a row that is gone meanwhile', async (pk) => {
    const rows = items(pk, 4, 4)
    await db().set(rows)
    const seen: Row[] = []
    let after: ScanPage['next']
    do {
      const page = await scanRows(db(), { limit: 3, ...(after && { after }) })
      seen.push(...page.rows)
      after = page.next
      if (after?.pk.startsWith(pk)) await db(1).delete(after)
    } while (after)
    assert.deepEqual(named(seen.filter((row) => row.pk.startsWith(pk))), named(rows))
  })

  test('only some rows of a scan, and only what is needed of them', async (pk) => {
    await db().set(items(pk, 3, 4))
    const even = await scanned(pk, {
      only: { op: 'eq', left: { path: ['data', 'even'] }, right: { value: true } },
      paths: [['data', 'even']],
      limit: 5,
    })
    assert.deepEqual(named(even), named(items(pk, 3, 4).filter(({ data }) => data.even)))
    for (const row of even) assert.equal((row.data as { even: boolean }).even, true)
    const eventual = await scanRows(db(), { consistent: false })
    assert.ok(eventual.scanned > 0)
  })

  test('a scan refuses what it cannot mean, before anything is sent', async () => {
    const wrong: [object, string][] = [
      [{ segment: 2, segments: 2 }, 'options.segment'],
      [{ segment: 1 }, 'options.segment'],
      [{ segments: 0 }, 'options.segments'],
      [{ limit: 0 }, 'options.limit'],
      [{ after: 'a' }, 'options.after'],
      [{ after: { pk: 'a' } }, 'options.after.sk'],
      [{ TotalSegments: 2 }, 'options.TotalSegments'],
      [{ consistent: 'no' }, 'options.consistent'],
    ]
    for (const [options, field] of wrong)
      await rejects(scanRows(db(), options as Scan), { code: 'InvalidInput', field })
  })
}
