import { assert, type Kit, rejects } from './kit.ts'
import { anywhere, row, targets } from './wrong-names.ts'

/** Calls that may throw at once, as a rejected promise. */
const attempt = async (call: () => unknown): Promise<unknown> => call()

export function names({ db, test }: Kit): void {
  for (const [title, { call, wrong, where }] of Object.entries(targets)) {
    test(`names: ${title} refuses what it does not know, with advice, and sends nothing`, async (pk) => {
      for (const [name, advice] of [...wrong, anywhere]) {
        const error = await rejects(
          attempt(() => call(db(), pk, { [name]: 'x' })),
          { code: 'InvalidInput', field: `${where}.${name}` },
        )
        assert.match(error.message, advice)
      }
      assert.deepEqual(await db(1).query({ pk }), [])
    })
  }

  test('names: a field that is undefined counts as absent', async (pk) => {
    await db().set(
      { pk, sk: 'a', data: 1, ttlSeconds: undefined } as never,
      { condition: undefined } as never,
    )
    assert.equal((await db().get({ pk, sk: 'a' }, { strong: undefined } as never))?.data, 1)
  })

  test('names: what reads return can be passed back', async (pk) => {
    await db().set({ pk, sk: 'a', data: { n: 1 }, ttl: 4_000_000_000 })
    const [item] = await db().query<{ n: number }>({ pk })
    await db().set({ ...item!, data: { n: 2 } })
    await db().update(item!, { add: { n: 1 } })
    assert.deepEqual((await db().get<{ n: number }>(item!))?.data, { n: 3 })
    const [{ lock: held } = { lock: undefined }] = await db().getLocked([item!])
    await db().setAtomic({ ...item!, data: { n: 4 } }, held!)
    await db().transact([
      { type: 'set', item: { ...item!, data: { n: 5 } } },
      { type: 'delete', key: held! },
    ])
    await db().queuePush({ pk: `${pk}q`, data: { job: 1 }, group: 'g' })
    const { item: message } = await db().queuePull({ pk: `${pk}q`, ttlSeconds: 30 })
    await db().set({ ...message!, pk: `${pk}done` })
    await db().queuePush({ ...message!, pk: `${pk}next`, sk: undefined as never })
    await db().delete([...(await db().query({ pk })), message!])
    assert.deepEqual(await db().query({ pk }), [])
    assert.equal((await db().queuePeek({ pk: `${pk}q` })).length, 0)
    assert.deepEqual(
      (await db().queuePeek({ pk: `${pk}next` })).map(({ data }) => data),
      [{ job: 1 }],
    )
  })

  test('names: booleans and signals are checked', async (pk) => {
    await rejects(db().get({ pk, sk: 'a' }, { consistent: 'no' as never }), {
      code: 'InvalidInput',
      field: 'options.consistent',
    })
    await rejects(db().query({ pk, reverse: 'false' as never }), {
      code: 'InvalidInput',
      field: 'query.reverse',
    })
    await rejects(db().set({ pk, sk: 'a' }, { signal: {} as never }), {
      code: 'InvalidInput',
      field: 'options.signal',
    })
    await rejects(db().set({ pk, sk: 'a' }, 'now' as never), { code: 'InvalidInput', field: 'options' })
    await rejects(db().get({ pk, sk: 'a' }, null as never), { code: 'InvalidInput', field: 'options' })
  })

  test('names: an operation of another type is InvalidInput with a suggestion', async (pk) => {
    const error = await rejects(db().transact([{ type: 'put', item: row(pk) } as never]), {
      code: 'InvalidInput',
      field: 'operations[0].type',
    })
    assert.match(error.message, /set/)
  })
}
