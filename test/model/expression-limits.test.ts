import { expect, it, test } from 'vitest'
import { checkExpressions } from '../../src/model/expression-limits.ts'
import type { Guard, RowChange } from '../../src/storage.ts'
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

/** The largest count with which it goes through. */
function most(of: (count: number) => { guard?: Guard; changes?: RowChange[] }, from = 1): number {
  const none: Guard = { op: 'exists', path: ['a'] }
  for (let count = from; count < from + 4000; count++) {
    const { guard = none, changes = [] } = of(count)
    try {
      checkExpressions(guard, changes)
    } catch {
      return count - 1
    }
  }
  return Number.POSITIVE_INFINITY
}
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one)
const left = { path: many(10, 'a') }
const right = { value: 1 }

test('3800 bytes and 280 operators, however they are used up', () => {
  const and = (guard: Guard) => most((count) => ({ guard: { op: 'and', of: many(count, guard) } }))
  const eq: Guard = { op: 'eq', left, right }
  // 5 bytes for AND, 4 for a comparison, 4 for each part of a path, 4 for a value.
  const room = 3800 - 2
  expect(and(eq)).toBe(Math.floor(room / (5 + 4 + 40 + 4)))
  expect(and({ op: 'not', of: eq })).toBe(Math.floor(room / (5 + 6 + 4 + 40 + 4)))
  expect(and({ op: 'between', left, low: right, high: right })).toBe(Math.floor(room / (5 + 14 + 40 + 8)))
  expect(and({ op: 'exists', path: left.path })).toBe(Math.floor(room / (5 + 22 + 40 + 4)))
  expect(and({ op: 'eq', left: { sizeOf: left.path }, right })).toBe(Math.floor(room / (5 + 4 + 40 + 6 + 4)))
  expect(most((count) => ({ guard: { op: 'in', left, values: many(count, 1) } }))).toBe(
    Math.floor((3800 - 6 - 40) / 6),
  )
  // One operator each, and one for each AND between them.
  const short: Guard = { op: 'eq', left: { path: [] }, right }
  expect(and(short)).toBe(Math.floor((280 + 1) / 2))
  expect(and({ op: 'not', of: short })).toBe(Math.floor((280 + 1) / 3))
  expect(and({ op: 'eq', left: { sizeOf: [] }, right })).toBe(Math.floor((280 + 1) / 3))
  const set: RowChange = { op: 'set', path: ['a'], value: 1 }
  const add: RowChange = { op: 'add', path: ['a'], value: 1 }
  expect(most((count) => ({ changes: many(count, set) }))).toBe(Math.floor(3800 / (12 + 8)))
  expect(most((count) => ({ changes: many(count, { op: 'remove', path: ['a'] }) }))).toBe(190)
  expect(most((count) => ({ changes: many(count, add) }))).toBe(Math.floor(3800 / (44 + 8)))
})

test('values of 2 MB together, of which none that is compared has more than 400 KB', () => {
  const text = (bytes: number) => 'x'.repeat(bytes)
  const holds = (value: string): Guard => ({ op: 'eq', left: { path: ['a'] }, right: { value } })
  const outcome = (guard: Guard, changes: RowChange[] = []) => {
    try {
      checkExpressions(guard, changes)
      return 'fits'
    } catch (error) {
      const { message, field } = error as Error & { field: string }
      return `${field} ${message}`
    }
  }
  const kb400 = 400 * 1024
  for (const wrap of [
    (guard: Guard): Guard => guard,
    (guard: Guard): Guard => ({ op: 'not', of: guard }),
    (guard: Guard): Guard => ({ op: 'or', of: [holds('small'), guard] }),
  ]) {
    expect(outcome(wrap(holds(text(kb400 + 1))))).toMatch(/^if .*more than 400 KB.*409601 bytes/s)
    expect(outcome(wrap(holds(text(kb400 - 10))))).toBe('fits')
  }
  const oneOf = (bytes: number): Guard => ({
    op: 'in',
    left: { path: ['a'] },
    values: [text(bytes), text(bytes), 'x'],
  })
  expect(outcome(oneOf(kb400 - 10))).toBe('fits')
  expect(outcome(oneOf(kb400 + 1))).toMatch(/more than 400 KB/)
  const set = (value: string): RowChange => ({ op: 'set', path: ['a'], value })
  const changes = many(5, set(text(kb400 - 10)))
  expect(outcome(holds('x'), changes)).toBe('fits')
  expect(outcome(holds('x'), [...changes, set(text(60_000))])).toMatch(/^if .*more than 2 MB of values/)
})
