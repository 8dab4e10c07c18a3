import { lockKey } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { onTable, records } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

describe('lock show', () => {
  it('shows a lock and makes none', async () => {
    const pk = on.pk()
    expect(await lockrow(['lock', 'show', pk, 'a'])).toEqual({
      code: 1,
      out: '',
      err: `there is no lock at ${pk}/a#lock\n`,
    })
    const lock = await on.db().getLock(lockKey({ pk, sk: 'a' }))
    const human = await lockrow(['lock', 'show', pk, 'a'])
    expect(human.out).toContain(lock.version)
    expect(human.out).toMatch(/^expires +\S+ \(in (23 h 59 min|1 d)\)$/m)
    const written = expect.any(Number)
    for (const args of [['a'], ['a#lock', '--exact']])
      expect(records(await lockrow(['lock', 'show', pk, ...args, '--json']))).toEqual([
        { ...lock, writtenAt: written },
      ])
  })

  it('an item at its place is no lock', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a#lock', data: 1 })
    expect(await lockrow(['lock', 'show', pk, 'a', '--json'])).toMatchObject({ code: 1, out: 'null\n' })
  })
})
