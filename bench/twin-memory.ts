import { AtomicMemoryDb } from '../src/memory/index.ts'
import { makeUser, sortKey } from './lib/user.ts'

/** Bytes of heap per item: bare rows, and the same in the twin. Needs `--expose-gc` to mean anything. */
export async function bytesPerItem(
  count: number,
): Promise<{ bare: number; map: number; twin: number; overhead: number }> {
  const row = (i: number) => ({ pk: 'p', sk: sortKey(i), data: makeUser(i) })
  const bare = await grown(count, () => {
    const rows: unknown[] = []
    for (let i = 0; i < count; i++) rows.push(row(i))
    return rows
  })
  const map = await grown(count, () => {
    const rows = new Map<string, unknown>()
    for (let i = 0; i < count; i++) rows.set(sortKey(i), row(i))
    return rows
  })
  const twin = await grown(count, async () => {
    const db = new AtomicMemoryDb()
    for (let i = 0; i < count; i++) await db.set(row(i))
    return db
  })
  return { bare, map, twin, overhead: twin - bare }
}

async function grown(count: number, make: () => unknown): Promise<number> {
  global.gc?.()
  const before = process.memoryUsage().heapUsed
  const kept = await make()
  global.gc?.()
  const bytes = (process.memoryUsage().heapUsed - before) / count
  // Used after the measurement, so that it cannot be collected before.
  return kept === undefined ? Number.NaN : bytes
}
