import { ulid } from 'ulid'
import { expect, test } from 'vitest'
import { keyAt, partOf, priorities, priorityOf, timeIn, ulidIn } from '../../src/model/priorities.ts'
import { compareText } from '../../src/model/values.ts'

test('a key says its priority, its ULID and its time', () => {
  const now = 1_800_000_000_000
  for (const priority of priorities) {
    const id = ulid(now)
    const key = keyAt(priority, id)
    expect([priorityOf(key), ulidIn(key), timeIn(key)]).toEqual([priority, id, now])
  }
  for (const sk of ['', '!', '}', 'mine', '!mine', '}mine', `!!${ulid()}`, `!${ulid()}x`, '~control'])
    expect([priorityOf(sk), ulidIn(sk), timeIn(sk)]).toEqual(['normal', undefined, undefined])
})

test('each key lies in exactly one part, those of the library in that of their priority', () => {
  const isIn = (sk: string, { after, to }: { after?: string; to?: string }) =>
    (after === undefined || compareText(sk, after) > 0) && (to === undefined || compareText(sk, to) <= 0)
  const mine = [
    ' ',
    '!',
    '!~',
    '!~~',
    '"',
    '0',
    'Z',
    'z',
    '|',
    '}',
    '}0',
    '~',
    '~control',
    '\u00e9',
    '\u{1f600}',
  ]
  for (const sk of mine) expect(priorities.filter((one) => isIn(sk, partOf[one]))).toHaveLength(1)
  for (const priority of priorities)
    for (const id of ['0'.repeat(26), ulid(), `7${'Z'.repeat(25)}`])
      expect(priorities.filter((one) => isIn(keyAt(priority, id), partOf[one]))).toEqual([priority])
})
