import { expect, it } from 'vitest'
import { leaseRowOf } from '../../../src/console/calls/lease-rows.ts'

const row = (data: unknown) => leaseRowOf({ pk: 'p', sk: 's', data })

it('rows of coordination are told from items', () => {
  expect(row({ token: 3, owner: null, until: null, beat: 'b', leaseMs: 5, process: null })).toEqual({
    pk: 'p',
    sk: 's',
    kind: 'mutex',
    token: 3,
    holders: [],
    line: [],
  })
  expect(row({ token: 3, owner: 'o', until: 9, beat: 'b', line: [{ id: 'w', until: 5 }] })).toMatchObject({
    holders: [{ id: 'o', role: 'owner', until: 9 }],
    line: [{ id: 'w', role: 'waits', until: 5 }],
  })
  expect(row({ holders: { a: 5 } })).toMatchObject({ kind: 'semaphore', holders: [{ id: 'a', until: 5 }] })
  expect(
    row({ token: 2, writer: { id: 'w', until: 5 }, readers: {}, pending: { id: 'p', until: 6 } }),
  ).toMatchObject({ kind: 'read-write lock', holders: [{ role: 'writer' }], line: [{ id: 'p' }] })
  for (const data of [
    undefined,
    null,
    5,
    'x',
    [],
    {},
    { token: 1 },
    { owner: 'a' },
    { holders: 5 },
    { holders: {}, x: 1 },
  ])
    expect(row(data)).toBeUndefined()
})
