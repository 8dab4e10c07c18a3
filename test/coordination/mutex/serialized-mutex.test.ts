import { expect, test } from 'vitest'
import { mutexFromText, mutexToText } from '../../../src/coordination/mutex/serialized-mutex.ts'

const mutex = { pk: 'p', sk: 'a', owner: 'o', token: 3, beat: 'b', until: 1000 }

test('as text and back, without anything more', () => {
  expect(mutexFromText(mutexToText({ ...mutex, more: 1 } as never))).toEqual({ lockrow: 'mutex', ...mutex })
  expect(mutexFromText(mutexToText({ ...mutex, until: null })).until).toBeNull()
})

test.each([
  '',
  'null',
  '7',
  '{}',
  JSON.stringify(mutex),
  ...[
    { owner: 1 },
    { beat: undefined },
    { token: 1.5 },
    { token: '3' },
    { until: '1' },
    { until: undefined },
    { lockrow: 'x' },
  ].map((wrong) => JSON.stringify({ lockrow: 'mutex', ...mutex, ...wrong })),
])('%s is not a serialized mutex', (text) => {
  expect(() => mutexFromText(text)).toThrow(expect.objectContaining({ code: 'InvalidInput', field: 'text' }))
})
