import { collection, typed } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { indexNameOf, isItemOf } from '../../src/collections/row-kinds.ts'
import { worldOf } from '../../src/collections/world.ts'
import { twin } from './migration/world.ts'

test('a row is an item where its data leads to its key, an entry where its partition says so', () => {
  const { db } = twin()
  const users = collection(db, 'users', { schema: typed<{ id: string }>(), key: 'id' })
  const { definition } = worldOf(users)
  const item = (pk: string, sk: string, data?: unknown) => isItemOf(definition, { pk, sk, data })
  expect(item('users', 'a', { id: 'a' })).toBe(true)
  expect(item('users', 'a', { id: 'b' })).toBe(false)
  expect(item('users', 'a')).toBe(false)
  expect(item('users', 'a', { name: 'a' })).toBe(false)
  expect(item('users##team#red', 'a', { id: 'a' })).toBe(false)
  const index = (pk: string) => indexNameOf(definition, { pk, sk: 'x' })
  expect(
    ['users##team#red', 'users##all', 'users##state', 'users##deleted#users', 'users', 'others##team'].map(
      index,
    ),
  ).toEqual(['team', 'all', undefined, undefined, undefined, undefined])
  expect(() => worldOf({})).toThrow('must be a collection')
})
