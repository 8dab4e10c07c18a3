import { AtomicMemoryDb, KeyValue } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('KeyValue', ({ open, pk }) => {
  it('set, get, delete, increment on whole numbers', async () => {
    const db = open()
    const values = new KeyValue(db, pk())
    await values.set('a', 'x')
    expect(await values.get('a')).toBe('x')
    await expect(values.increment('a')).rejects.toMatchObject({ code: 'InvalidInput' })
    await values.set('n', '41')
    expect(await values.increment('n')).toBe(42)
    expect(
      await Promise.all([values.increment('new'), values.increment('new'), values.increment('new', 3)]).then(
        (all) => Math.max(...all),
      ),
    ).toBe(5)
    await values.set('t', 'soon gone', { ttlSeconds: 100 })
    expect(await values.get('t')).toBe('soon gone')
    await values.delete('t')
    expect(await values.get('t')).toBeUndefined()
    await expect(values.set('t', 1, { ttlSeconds: 0 })).rejects.toMatchObject({ field: 'ttlSeconds' })
  })
})

it('a value with a time to live is gone when that is over, one without stays', async () => {
  let now = 1_700_000_000_000
  const values = new KeyValue(new AtomicMemoryDb({ now: () => now }), 'values')
  await values.set('short', 1, { ttlSeconds: 100 })
  await values.set('long', 2)
  now += 99_000
  expect([await values.get('short'), await values.get('long')]).toEqual([1, 2])
  now += 1000
  expect([await values.get('short'), await values.get('long')]).toEqual([undefined, 2])
})
