import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

test('pages follow each other by their cursors, and the last one has none', async () => {
  const db = new AtomicMemoryDb()
  await db.set(['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk, data: sk })))
  const first = await db.page({ pk: 'p', limit: 2 })
  expect([first.items.map(({ sk }) => sk), typeof first.cursor]).toEqual([['a', 'b'], 'string'])
  const second = await db.page({ pk: 'p', limit: 2, cursor: first.cursor })
  expect([second.items.map(({ sk }) => sk), second.cursor]).toEqual([['c'], undefined])
})
