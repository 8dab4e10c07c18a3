import type { AtomicDbInterface } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { describe, expect, test } from 'vitest'
import { type First, type first, twin } from './migration/world.ts'
import { failure } from './world.ts'

describe('an index is as the collection has it', () => {
  const open = (db: AtomicDbInterface, options: object) =>
    collection(db, 'users', { schema: typed<First>(), key: 'id', ...options } as never) as ReturnType<
      typeof first
    >

  test.each<[string, object, RegExp]>([
    ['new without a version', { indexes: { team: { key: 'team' }, email: { key: 'email' } } }, /since: 2/],
    ['of other fields', { indexes: { team: { key: 'email' } } }, /is not as the collection has it/],
    [
      'with other fields in its entries',
      { indexes: { team: { key: 'team', project: ['email'] } } },
      /changed: 2/,
    ],
    ['counted', { indexes: { team: { key: 'team', count: true } } }, /is not as the collection has it/],
  ])('%s: refused before anything is written', async (_, options, message) => {
    const { db } = twin()
    await open(db, { indexes: { team: { key: 'team' } } }).insert({ id: 'a', email: 'a', team: 'x' })
    const other = open(db, options)
    expect(await failure(other.insert({ id: 'b', email: 'b' }))).toMatchObject({
      message: expect.stringMatching(message),
    })
    expect(await other.get('b')).toBeUndefined()
  })
})
