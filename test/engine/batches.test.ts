import { AtomicEngine, leftUndone, systemRuntime } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'

const keys = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ pk: 'p', sk: String(i).padStart(3, '0') }))
const runtime = { ...systemRuntime, sleep: async () => {} }

/** Takes few rows at a time, and leaves the last one of each request undone while `refusals` last. */
function stingy(refusals: number) {
  const rows = new MemoryStorage(runtime)
  const sizes = { read: [] as number[], write: [] as number[] }
  const storage = Object.assign(Object.create(rows) as MemoryStorage, {
    batchSizes: { read: 10, write: 4 },
    async read(wanted: { pk: string; sk: string }[]) {
      sizes.read.push(wanted.length)
      const found = await rows.read(wanted)
      return refusals-- > 0 ? found.with(-1, leftUndone as never) : found
    },
    async write(writes: never[]) {
      sizes.write.push(writes.length)
      if (refusals-- <= 0) return rows.write(writes)
      await rows.write(writes.slice(0, -1))
      return writes.slice(-1)
    },
    readTogether: rows.readTogether.bind(rows),
    page: rows.page.bind(rows),
    scan: rows.scan.bind(rows),
    apply: rows.apply.bind(rows),
    transact: rows.transact.bind(rows),
  })
  return {
    db: new AtomicEngine(storage as never, { runtime }),
    sizes,
    refuse: (count: number) => (refusals = count),
  }
}

test('no request is larger than the backend takes, and what was left undone is asked for again', async () => {
  const { db, sizes, refuse } = stingy(2)
  await db.set(keys(9).map((key, i) => ({ ...key, data: i })))
  expect(Math.max(...sizes.write)).toBe(4)
  expect(sizes.write.reduce((sum, size) => sum + size, 0)).toBe(9 + 2)
  refuse(2)
  expect((await db.getMany(keys(25))).map((item) => item?.data)).toEqual([
    ...Array.from({ length: 9 }, (_, i) => i),
    ...Array(16).fill(undefined),
  ])
  expect(Math.max(...sizes.read)).toBe(10)
})

test('a backend that goes on refusing ends in an error that names what was not written', async () => {
  const { db } = stingy(Number.POSITIVE_INFINITY)
  const error = await db.set([{ pk: 'p', sk: 'a', data: 1 }]).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ keys: [{ pk: 'p', sk: 'a' }] })
  expect(['PartialWrite', 'Throttled']).toContain((error as { code: string }).code)
})
