import { collection, IndexNotReady, migrate, planMigration } from 'lockrow/collections'
import { describe, expect, test } from 'vitest'
import { failure } from '../world.ts'
import { ended, type First, filled, rate } from './world.ts'

describe('items that cannot be upgraded', () => {
  test('are named, and block the end until they are mended', async () => {
    const { db, old, young, pass } = await filled(10)
    await old.insert({ id: 'twice', email: '3@d0' })
    pass(ended)
    const planned = await planMigration(young)
    expect(planned.problems).toMatchObject([{ code: 'NotUnique' }])
    const blocked = await migrate(young, rate)
    expect(blocked).toMatchObject({ state: 'blocked', written: 10 })
    expect(blocked.problems).toMatchObject([
      { code: 'NotUnique', message: expect.stringContaining('email is taken') },
    ])
    expect(await failure(young.by('email').get('3@d0'))).toBeInstanceOf(IndexNotReady)
    const { key } = blocked.problems[0]!
    await young.update(key.sk, { set: { email: 'other@d0' } })
    expect((await migrate(young, rate)).state).toBe('complete')
    expect((await young.verify()).problems).toEqual([])
    expect(await db.get({ pk: 'users', sk: key.sk })).toMatchObject({ data: { $v: 2 } })
  })

  test('an upgrade that throws, and a schema that refuses what it returns', async () => {
    const { db, pass } = await filled(6)
    pass(ended)
    const strict = collection<First>(db, 'users', {
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            (value as First).id === 'u2'
              ? { issues: [{ message: 'no u2', path: ['id'] }] }
              : { value: value as First },
        },
      },
      key: 'id',
      version: 2,
      upgrades: {
        2: (item: First) => {
          if (item.id === 'u1') throw new TypeError('no u1')
          return { ...item }
        },
      },
      indexes: { team: { key: 'team', count: true } },
    })
    const { state, problems } = await migrate(strict, rate)
    expect(state).toBe('blocked')
    expect(problems.map(({ code, message }) => `${code} ${message}`).toSorted()).toEqual([
      'Error no u1',
      expect.stringMatching(/^SchemaMismatch .*no u2/),
    ])
  })
})
