import { expect, it } from 'vitest'
import { storedKey } from '../../src/postgres/entries.ts'
import { Memo } from '../../src/postgres/memo.ts'

const key = (sk: string) => storedKey({ pk: 'p', sk })
const row = (text: string) => ({ ver: text, row: text })

it('remembers rows until they change, short ones, and the last two thousand', () => {
  const memo = new Memo()
  memo.set(key('a'), row('1'))
  expect(memo.get(key('a'))).toEqual(row('1'))
  memo.set(key('a'), row('2'))
  expect(memo.get(key('a'))).toEqual(row('2'))
  memo.set(key('a'), undefined)
  expect(memo.get(key('a'))).toBeUndefined()
  memo.set(key('long'), row('x'.repeat(8192)))
  expect(memo.get(key('long'))).toBeDefined()
  memo.set(key('long'), row('x'.repeat(8193)))
  expect(memo.get(key('long'))).toBeUndefined()
  for (let i = 0; i < 2000; i++) memo.set(key(`${i}`), row(`${i}`))
  memo.set(key('0'), row('again'))
  memo.set(key('last'), row('last'))
  expect([memo.get(key('0')), memo.get(key('1')), memo.get(key('2'))]).toEqual([
    row('again'),
    undefined,
    row('2'),
  ])
})
