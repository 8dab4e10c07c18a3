import type { AtomicDbItemKey } from '../../interface.ts'
import { assert, type Kit, rejects } from './kit.ts'

const long = (bytes: number) => 'k'.repeat(bytes)

export function input({ db, test }: Kit): void {
  const bad: Record<string, [(pk: string) => unknown, string]> = {
    'an empty pk': [() => ({ pk: '', sk: 'a' }), 'pk'],
    'an empty sk': [(pk) => ({ pk, sk: '' }), 'sk'],
    'a pk too long': [() => ({ pk: long(2049), sk: 'a' }), 'pk'],
    'an sk too long': [(pk) => ({ pk, sk: long(1025) }), 'sk'],
    'an sk too long in bytes': [(pk) => ({ pk, sk: 'é'.repeat(513) }), 'sk'],
    'a lone surrogate in pk': [() => ({ pk: 'a\ud800', sk: 'a' }), 'pk'],
    'a lone surrogate in sk': [(pk) => ({ pk, sk: '\udfff' }), 'sk'],
    'a number as pk': [() => ({ pk: 1, sk: 'a' }), 'pk'],
    'no sk': [(pk) => ({ pk }), 'sk'],
  }
  for (const [title, [make, field]] of Object.entries(bad)) {
    test(`keys: ${title} is InvalidInput everywhere`, async (pk) => {
      const key = make(pk) as AtomicDbItemKey
      const first = { pk, sk: 'first', data: 1 }
      await rejects(db().get(key), { code: 'InvalidInput', field })
      await rejects(db().getMany([first, key]), { code: 'InvalidInput', field: `keys[1].${field}` })
      await rejects(db().getLock(key), { code: 'InvalidInput', field })
      await rejects(db().set([first, key]), { code: 'InvalidInput', field: `items[1].${field}` })
      await rejects(db().delete([first, key]), { code: 'InvalidInput', field: `keys[1].${field}` })
      await rejects(db().update(key, { add: { n: 1 } }), { code: 'InvalidInput', field })
      await rejects(
        db().transact([
          { type: 'set', item: first },
          { type: 'delete', key },
        ]),
        { code: 'InvalidInput', field: `operations[1].key.${field}` },
      )
      await rejects(db().queueAcknowledge(key), { code: 'InvalidInput', field })
      await rejects(db().queueRelease(key), { code: 'InvalidInput', field })
      const lock = await db().getLock({ pk, sk: 'l#lock' })
      await rejects(db().setAtomic([first, key], lock), { code: 'InvalidInput', field: `items[1].${field}` })
      assert.deepEqual(await db(1).query({ pk }), [])
    })
  }

  test('keys of the largest size work', async (pk) => {
    const largest = { pk: pk + long(2048 - pk.length), sk: `${'é'.repeat(511)}ab` }
    await db().set({ ...largest, data: 1 })
    assert.equal((await db().get(largest))?.data, 1)
    assert.equal((await db().query({ pk: largest.pk })).length, 1)
  })

  test('no key at all, no list', async () => {
    for (const key of [undefined, null, 'pk', 1])
      await rejects(db().get(key as never), { code: 'InvalidInput' })
    await rejects(db().getMany('keys' as never), { code: 'InvalidInput' })
    await rejects(db().set([null] as never), { code: 'InvalidInput' })
    await rejects(db().query(undefined as never), { code: 'InvalidInput' })
  })

  test('queries: limit, after and prefix are checked', async (pk) => {
    for (const limit of [0, -1, 1.5, Number.NaN, '1'])
      await rejects(db().query({ pk, limit: limit as number }), { code: 'InvalidInput', field: 'limit' })
    await rejects(db().query({ pk: '' }), { code: 'InvalidInput', field: 'pk' })
    await rejects(db().query({ pk, sk: '\ud800' }), { code: 'InvalidInput', field: 'sk' })
    await rejects(db().query({ pk, sk: 'a', after: 'b' }), { code: 'InvalidInput', field: 'after' })
    assert.throws(() => db().stream({ pk, limit: 0 }), { code: 'InvalidInput', field: 'limit' })
  })

  test('expiries are whole epoch seconds', async (pk) => {
    for (const ttl of [1.5, -1, Number.NaN, Date.now(), '1', new Date()]) {
      await rejects(db().set({ pk, sk: 'a', ttl: ttl as number }), { code: 'InvalidInput', field: 'ttl' })
    }
    assert.equal(await db().get({ pk, sk: 'a' }), undefined)
  })

  test('errors name keys, never data', async (pk) => {
    const secret = 'correct horse battery staple'
    await db().set({ pk, sk: 'a', data: { password: secret } })
    const lock = await db().getLock({ pk, sk: 'a#lock' })
    await db().setAtomic([], lock)
    for (const call of [
      () => db().setAtomic({ pk, sk: 'a', data: { password: secret } }, lock),
      () => db().update({ pk, sk: 'a' }, { add: { password: 1 } }),
      () => db().set({ pk, sk: 'a', data: { password: secret, when: new Date() } }),
      () => db().transact([{ type: 'setIfAbsent', item: { pk, sk: 'a', data: secret } }]),
      () => db().set({ pk, sk: 'a', data: secret.repeat(20_000) }),
      () => db().update({ pk, sk: 'a' }, { set: { x: 1 } }, { if: { password: { lt: [secret] as never } } }),
    ]) {
      const error = await call().then(
        () => assert.fail('should be rejected'),
        (caught: Error) => caught,
      )
      assert.ok(!error.message.includes(secret) && !String(error.stack).includes(secret), error.message)
    }
  })
}
