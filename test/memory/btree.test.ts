import { expect, test } from 'vitest'
import { ascending, BTree } from '../../src/memory/btree.ts'

test('the class is found in the package, and keeps texts by their code units', () => {
  const tree = new BTree<string, number>(undefined, ascending)
  for (const key of ['b', 'Z', 'é', 'a']) tree.set(key, key.length)
  expect([...tree.entries()].map(([key]) => key)).toEqual(['Z', 'a', 'b', 'é'])
  expect(ascending('a', 'a')).toBe(0)
})
