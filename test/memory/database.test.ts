import { AtomicMemoryDb } from 'lockrow'
import { systemRuntime } from 'lockrow/backend'
import { expect, test } from 'vitest'

test('the clock is that of the test, the rest of the runtime stays', async () => {
  let now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  await db.set({ pk: 'p', sk: 's', data: 1, ttl: now / 1000 + 10 })
  now += 9999
  expect(await db.get({ pk: 'p', sk: 's' })).toMatchObject({ data: 1 })
  now++
  expect(await db.get({ pk: 'p', sk: 's' })).toBe(undefined)
  expect(db.runtime.sleep).toBe(systemRuntime.sleep)
  expect(new AtomicMemoryDb().runtime).toBe(systemRuntime)
})

test('two databases share nothing, and what is given and returned is copied', async () => {
  const [one, other] = [new AtomicMemoryDb(), new AtomicMemoryDb()]
  const data = { list: [1] }
  await one.set({ pk: 'p', sk: 's', data })
  data.list.push(2)
  const found = (await one.get<typeof data>({ pk: 'p', sk: 's' }))!
  found.data.list.push(3)
  expect((await one.get({ pk: 'p', sk: 's' }))!.data).toEqual({ list: [1] })
  expect(await other.get({ pk: 'p', sk: 's' })).toBe(undefined)
})

test('unknown options are refused', () => {
  expect(() => new AtomicMemoryDb({ clock: Date.now } as never)).toThrow("use 'now'")
})
