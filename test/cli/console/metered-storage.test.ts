import { AtomicMemoryDb } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { UnitMeter } from 'lockrow/console'
import { beforeEach, describe, expect, it } from 'vitest'
import { meteredStorage } from '../../../src/cli/console/metered-storage.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { scanRows } from '../../../src/model/scan-rows.ts'

describe('units by the rules of DynamoDB', () => {
  let meter: UnitMeter
  let db: AtomicEngine
  const kb = (n: number) => 'x'.repeat(n * 1024 - 100)
  const key = { pk: 'a', sk: 'b' }

  beforeEach(async () => {
    const { runtime } = new AtomicMemoryDb()
    const storage = new MemoryStorage(runtime)
    await new AtomicEngine(storage, { runtime }).set({ ...key, data: { text: kb(5) } })
    meter = new UnitMeter()
    db = new AtomicEngine(meteredStorage(storage, meter), { runtime })
  })

  it.each<[string, () => Promise<unknown>, { read: number; write: number }]>([
    ['a read of 5 KB', () => db.get(key), { read: 2, write: 0 }],
    ['one that may be stale', () => db.get(key, { consistent: false }), { read: 1, write: 0 }],
    ['one of nothing', () => db.get({ pk: 'none', sk: 'x' }), { read: 1, write: 0 }],
    ['a query', () => db.query({ pk: 'a' }), { read: 2, write: 0 }],
    ['a read in a transaction', () => db.getTogether([key]), { read: 4, write: 0 }],
    ['a scan that may be stale', () => scanRows(db, { consistent: false }), { read: 1, write: 0 }],
    ['a write of 3 KB', () => db.set({ ...key, data: kb(3) }), { read: 0, write: 3 }],
    ['an update of 5 KB', () => db.update(key, { set: { n: 1 } }), { read: 0, write: 5 }],
    [
      'a transaction of 3 KB',
      () => db.transact([{ type: 'set', item: { ...key, data: kb(3) } }]),
      { read: 0, write: 6 },
    ],
    ['a deletion', () => db.delete({ pk: 'a', sk: 'z' }), { read: 0, write: 1 }],
  ])('%s', async (_, act, units) => {
    await act()
    expect(meter.all).toEqual(units)
  })
})
