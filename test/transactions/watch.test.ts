import { AtomicMemoryDb, watch } from 'lockrow'
import { expect, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'

const key = { pk: 'p', sk: 'a' }

/** The waits between reads while nothing changes, and what is seen. */
async function waits(
  options: Parameters<typeof watch>[2],
  count: number,
  change?: (db: AtomicMemoryDb, wait: number) => Promise<unknown>,
) {
  const ending = new AbortController()
  const found: number[] = []
  const runtime = {
    ...systemRuntime,
    async sleep(ms: number) {
      found.push(ms)
      await change?.(db, found.length)
      if (found.length === count) ending.abort(new Error('enough'))
      ending.signal.throwIfAborted()
    },
  }
  const db: AtomicMemoryDb = new AtomicMemoryDb({ runtime })
  const seen: unknown[] = []
  await expect(
    (async () => {
      for await (const item of watch(db, key, { ...options, signal: ending.signal })) seen.push(item?.data)
    })(),
  ).rejects.toThrow('enough')
  return { found, seen }
}

test('the wait doubles up to ten seconds while nothing changes', async () => {
  expect(await waits({}, 7)).toEqual({
    found: [500, 1000, 2000, 4000, 8000, 10_000, 10_000],
    seen: [undefined],
  })
})

test('or up to the bound given, which is at least the interval', async () => {
  expect((await waits({ intervalMs: 100, maxIntervalMs: 250 }, 4)).found).toEqual([100, 200, 250, 250])
  expect((await waits({ intervalMs: 20_000 }, 3)).found).toEqual([20_000, 20_000, 20_000])
  expect((await waits({ intervalMs: 250, maxIntervalMs: 250 }, 2)).found).toEqual([250, 250])
  await expect(waits({ intervalMs: 250, maxIntervalMs: 249 }, 2)).rejects.toThrow()
})

test('a change is seen, and the next look comes soon', async () => {
  const { found, seen } = await waits({}, 5, (db, wait) =>
    wait === 2 ? db.set({ ...key, data: 1 }) : wait === 4 ? db.delete(key) : Promise.resolve(),
  )
  expect(seen).toEqual([undefined, 1, undefined])
  expect(found).toEqual([500, 1000, 500, 1000, 500])
})

test('what the reader does to an item is no change of it', async () => {
  const db = new AtomicMemoryDb({
    runtime: { ...systemRuntime, sleep: () => new Promise<void>((done) => setImmediate(done)) },
  })
  await db.set({ ...key, data: { list: [1] } })
  const all = watch<{ list: number[] }>(db, key)
  const first = await all.next()
  first.value!.data.list.push(2)
  setTimeout(() => void db.set({ ...key, data: { list: [3] } }), 20)
  expect((await all.next()).value!.data).toEqual({ list: [3] })
  await all.return(undefined)
})
