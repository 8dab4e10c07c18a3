import { TokenMemory } from 'lockrow/backend'
import { expect, test } from 'vitest'

const put = (sk: string) => ({ op: 'put', row: { pk: 'p', sk } }) as const
const minutes = 60_000

function memory() {
  const clock = { now: 0 }
  return { clock, tokens: new TokenMemory({ monotonic: () => clock.now }) }
}

test('a token counts for ten minutes', () => {
  const { clock, tokens } = memory()
  expect(tokens.wasApplied('t', [put('a')])).toBe(false)
  tokens.remember('t', [put('a')])
  clock.now = 10 * minutes - 1
  expect(tokens.wasApplied('t', [put('a')])).toBe(true)
  clock.now = 10 * minutes
  expect(tokens.wasApplied('t', [put('a')])).toBe(false)
})

test('other operations under a token are a mismatch', () => {
  const { tokens } = memory()
  tokens.remember('t', [put('a'), put('b')])
  const key = { pk: 'p', sk: 'a' }
  for (const other of [[put('a')], [put('c'), put('b')], [{ op: 'delete', key } as const, put('b')]])
    expect(() => tokens.wasApplied('t', other)).toThrow(expect.objectContaining({ kind: 'mismatch' }))
  expect(tokens.wasApplied('t', [put('a'), put('b')])).toBe(true)
})

test('no more than ten thousand are kept, the newest', () => {
  const { tokens } = memory()
  for (let i = 0; i < 25_000; i++) {
    tokens.remember(`t${i}`, [put('a')])
    tokens.wasApplied('other', [])
  }
  expect(tokens.wasApplied('t24999', [put('a')])).toBe(true)
  expect(tokens.wasApplied('t15000', [put('a')])).toBe(true)
  expect(tokens.wasApplied('t14999', [put('a')])).toBe(false)
})
