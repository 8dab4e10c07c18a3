import { assert, type Kit, seconds } from './kit.ts'

const names = (found: readonly { sk: string }[]): string[] => found.map((item) => item.sk)

export function queries({ db, clock, test }: Kit): void {
  test('a query returns its partition only, in order of the UTF-8 bytes of sk', async (pk) => {
    const ordered = ['0', 'A', 'Z', 'a', 'a b', 'ab', 'é', '€', '\ufffd', '😀', '😀a', '\u{10ffff}']
    await db().set(ordered.toReversed().map((sk) => ({ pk, sk, data: sk })))
    await db().set({ pk: `${pk}x`, sk: 'other' })
    assert.deepEqual(names(await db().query({ pk })), ordered)
    assert.deepEqual(names(await db().query({ pk, reverse: true })), ordered.toReversed())
    assert.deepEqual(await db().query({ pk: `${pk}none` }), [])
  })

  test('prefix, limit, reverse and after combine', async (pk) => {
    await db().set(['a', 'b1', 'b2', 'b3', 'b4', 'c', 'b\u{10ffff}'].map((sk) => ({ pk, sk })))
    assert.deepEqual(names(await db().query({ pk, sk: 'b' })), ['b1', 'b2', 'b3', 'b4', 'b\u{10ffff}'])
    assert.deepEqual(names(await db().query({ pk, sk: 'b', limit: 2 })), ['b1', 'b2'])
    assert.deepEqual(names(await db().query({ pk, sk: 'b', reverse: true, limit: 2 })), ['b\u{10ffff}', 'b4'])
    assert.deepEqual(names(await db().query({ pk, sk: 'b', after: 'b2', limit: 2 })), ['b3', 'b4'])
    assert.deepEqual(names(await db().query({ pk, sk: 'b', after: 'b3', reverse: true })), ['b2', 'b1'])
    assert.deepEqual(names(await db().query({ pk, after: 'b2zzz', limit: 1 })), ['b3'])
    assert.deepEqual(names(await db().query({ pk, sk: 'nothing' })), [])
  })

  test('lock rows and expired rows are skipped and not counted by a limit', async (pk) => {
    for (let i = 0; i < 5; i++) await db().getLock({ pk, sk: `a${i}#lock` })
    await db().set(Array.from({ length: 5 }, (_, i) => ({ pk, sk: `a${i}`, data: i })))
    await db().set(
      Array.from({ length: 5 }, (_, i) => ({ pk, sk: `a${i}-old`, data: i, ttl: seconds(clock, -1) })),
    )
    assert.deepEqual(names(await db().query({ pk, limit: 4 })), ['a0', 'a1', 'a2', 'a3'])
    assert.deepEqual(names(await db().query({ pk, sk: 'a', reverse: true, limit: 5 })), [
      'a4',
      'a3',
      'a2',
      'a1',
      'a0',
    ])
    assert.deepEqual(names(await db().query({ pk, sk: 'a3' })), ['a3'])
    assert.equal(await db().get({ pk, sk: 'a0#lock' }), undefined)
  })

  test('a stream gives everything, over more than one page of 1 MB', async (pk) => {
    const big = 'x'.repeat(60_000)
    await db().set(
      Array.from({ length: 50 }, (_, i) => ({ pk, sk: `i${String(i).padStart(2, '0')}`, data: big })),
    )
    const seen: string[] = []
    for await (const item of db().stream({ pk })) seen.push(item.sk)
    assert.equal(seen.length, 50)
    assert.deepEqual(seen, seen.toSorted())
    assert.equal((await db().query({ pk })).length, 50)
    assert.deepEqual(names(await db().query({ pk, reverse: true, limit: 30 })).length, 30)
    const events = await new Promise<number>((resolve, reject) => {
      let count = 0
      db()
        .stream({ pk, reverse: true, limit: 45 })
        .on('data', () => count++)
        .on('end', () => resolve(count))
        .on('error', reject)
    })
    assert.equal(events, 45)
  })

  test('a stream may be left early', async (pk) => {
    await db().set(Array.from({ length: 30 }, (_, i) => ({ pk, sk: `i${i}`, data: i })))
    for await (const item of db().stream({ pk })) {
      assert.equal(item.sk, 'i0')
      break
    }
  })
}
