import { AtomicMemoryDb, fenced, fencedWrite } from 'lockrow'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 'a' }

test('a write counts as long as no newer token was seen', async () => {
  const db = new AtomicMemoryDb()
  const write = async (state: string, token: number) => {
    const { changes, if: condition } = fenced({ set: { state } }, token)
    return (await db.update(key, changes, { if: condition })).applied
  }
  expect(await write('first', 0)).toBe(true)
  expect(await write('newer', 5)).toBe(true)
  expect(await write('the same holder again', 5)).toBe(true)
  expect(await write('late', 4)).toBe(false)
  expect((await db.get(key))!.data).toEqual({ state: 'the same holder again', fence: 5 })
})

test('other changes, lists of pairs and a field of its own', async () => {
  expect(fenced({ add: { n: 1 }, set: [['a.b', 1]] }, 7, 'meta.fence')).toMatchObject({
    changes: {
      add: { n: 1 },
      set: [
        ['a.b', 1],
        ['meta.fence', 7],
      ],
    },
  })
  expect(fenced({ remove: ['a'] }, 7).changes).toMatchObject({ remove: ['a'], set: [['fence', 7]] })
})

test('in a transaction an older token is ConditionFailed', async () => {
  const db = new AtomicMemoryDb()
  await db.transact([fencedWrite(key, { set: { n: 1 } }, 2)])
  await expect(db.transact([fencedWrite(key, { set: { n: 2 } }, 1)])).rejects.toMatchObject({
    code: 'ConditionFailed',
  })
  expect((await db.get(key))!.data).toEqual({ n: 1, fence: 2 })
})

test.each([
  [null, 1, 'changes'],
  ['set', 1, 'changes'],
  [{}, -1, 'fencingToken'],
  [{}, 1.5, 'fencingToken'],
  [{}, undefined, 'fencingToken'],
])('%o with %s is refused', (changes, token, field) => {
  expect(() => fenced(changes as never, token as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field }),
  )
})
