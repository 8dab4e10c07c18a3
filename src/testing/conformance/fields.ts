import { assert, type Kit, rejects, seconds } from './kit.ts'

export function fields({ db, clock, test }: Kit): void {
  const data = {
    name: 'Ann',
    age: 30,
    'a.b': 1,
    size: 2,
    address: { city: 'Ulm', zip: { code: '89073' }, lines: [{ n: 1 }, { n: 2 }] },
    tags: new Set(['x']),
    ttl: 'own',
  }

  test('fields: what is asked for and no more, key and expiry included', async (pk) => {
    const ttl = seconds(clock, 1000)
    await db().set([
      { pk, sk: 'a', data, ttl },
      { pk, sk: 'b', data: { name: 'Bob' } },
      { pk, sk: 'c', data: 'text' },
      { pk, sk: 'd' },
    ])
    await db().getLock({ pk, sk: 'a#lock' })
    const found = await db().query({
      pk,
      fields: ['name', 'address.city', 'address.zip', 'address.lines', 'tags', 'a\\.b', ['ttl']],
    })
    const some = { name: 'Ann', address: data.address, tags: data.tags, 'a.b': 1, ttl: 'own' }
    assert.deepEqual(found, [
      { pk, sk: 'a', data: some, ttl },
      { pk, sk: 'b', data: { name: 'Bob' } },
      { pk, sk: 'c', data: {} },
      { pk, sk: 'd', data: {} },
    ])
    const [whole] = await db().query({ pk, sk: 'a', fields: ['address', 'address.city', 'address', 'size'] })
    assert.deepEqual(whole!.data, { address: data.address, size: 2 })
    const page = await db().page({ pk, fields: ['age'], limit: 1 })
    assert.deepEqual(page.items, [{ pk, sk: 'a', data: { age: 30 }, ttl }])
    const next = await db().page({ pk, fields: ['name'], limit: 1, cursor: page.cursor! })
    assert.deepEqual(next.items, [{ pk, sk: 'b', data: { name: 'Bob' } }])
    for await (const item of db().stream({ pk, fields: ['none.there'] })) assert.deepEqual(item.data, {})
  })

  test('fields: reserved, empty and wrong paths are InvalidInput', async (pk) => {
    for (const path of [
      'pk',
      'sk',
      'ttl',
      'data',
      'data.name',
      'version',
      '',
      'a[0]',
      'a..b',
      '__proto__',
      'a.__proto__',
      1,
      [''],
    ])
      await rejects(db().query({ pk, fields: ['ok', path as string] }), {
        code: 'InvalidInput',
        field: 'fields[1]',
      })
    for (const given of [[], 'name', {}, Array.from({ length: 101 }, (_, i) => `f${i}`)])
      await rejects(db().query({ pk, fields: given as string[] }), { code: 'InvalidInput', field: 'fields' })
    const many = Array.from({ length: 100 }, (_, i) => `f${i}`)
    assert.deepEqual(await db().query({ pk, fields: many }), [])
  })
}
