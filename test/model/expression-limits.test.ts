import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('expressions', ({ open, pk }) => {
  it('of the largest size go through, larger ones are refused before they are sent', async () => {
    const key = { pk: pk(), sk: 'wide' }
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}.inner`, i]))
    const data = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`field${i}`, { inner: 0 }]))
    await open().set({ ...key, data })
    const there = (count: number) =>
      Object.fromEntries(Object.keys(fields(count)).map((name) => [name, { exists: true }]))
    const largest = async (run: (count: number) => Promise<unknown>) => {
      for (let count = 150; count > 0; count -= 3) {
        const outcome = await run(count).then(
          () => 'done',
          (error: { code: string; message: string }) => `${error.code} ${error.message}`,
        )
        if (outcome === 'done') return count
        expect(outcome).toMatch(/^InvalidInput .*too (long|many)/)
      }
      return 0
    }
    expect(await largest((count) => open().update(key, { set: fields(count) }))).toBeGreaterThan(60)
    expect(await largest((count) => open().update(key, { add: fields(count) }))).toBeGreaterThan(40)
    expect(
      await largest((count) => open().update(key, { set: { x: 1 } }, { if: fields(count) })),
    ).toBeGreaterThan(60)
    const listed = (count: number) =>
      [['x', { in: Array.from({ length: 100 }, (_, i) => i) }], ...Object.entries(fields(count))] as const
    expect(
      await largest((count) => open().update(key, { set: { x: 1 } }, { if: listed(count) })),
    ).toBeGreaterThan(30)
    expect(
      await largest((count) => open().transact([{ type: 'set', item: { ...key, data }, if: there(count) }])),
    ).toBeGreaterThan(60)
  })
})
