import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

const drained = async <T>(stream: AsyncIterable<T>) => {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

test('a stream gives what a query gives, in its order and up to its limit', async () => {
  const db = new AtomicMemoryDb()
  await db.set(Array.from({ length: 30 }, (_, i) => ({ pk: 'p', sk: String(i).padStart(2, '0'), data: i })))
  for (const query of [
    { pk: 'p' },
    { pk: 'p', reverse: true, limit: 7 },
    { pk: 'p', sk: '1' },
    { pk: 'none' },
  ])
    expect(await drained(db.stream(query))).toEqual(await db.query(query))
})

test('wrong options end a stream with an error that can be caught', async () => {
  await expect(
    (async () => drained(new AtomicMemoryDb().stream({ pk: 7 } as never)))(),
  ).rejects.toMatchObject({
    code: 'InvalidInput',
  })
})
