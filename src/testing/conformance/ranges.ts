import type { AtomicDbQuery, AtomicDbRange } from '../../interface.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

const names = (found: readonly { sk: string }[]): string[] => found.map((item) => item.sk)
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The texts in which order and ends of ranges go wrong: NUL, surrogates, the ends of each length in UTF-8. */
const edges = [
  '\0',
  'a',
  'a\0',
  'a\0\0',
  'a!',
  'a\x7f',
  'a\x80',
  'a\u07ff',
  'a\u0800',
  'a\ud7ff',
  'a\ue000',
  'a\uffff',
  'a\u{10000}',
  'a\u{10ffff}',
  'a\u{10ffff}z',
  'b',
  'b#lock',
  '\uffff',
  '\u{10ffff}',
  'x'.repeat(1024),
  `${'x'.repeat(1023)}y`,
  '\u{10ffff}'.repeat(256),
]

/** The same rules written down once more, as plainly as can be. */
function expected(sks: readonly string[], query: Omit<AtomicDbQuery, 'pk'>): string[] {
  const { sk = '', from, to, exclude, after, reverse, limit } = query
  const inside = sks.filter(
    (name) =>
      name.startsWith(sk) &&
      (from === undefined || byBytes(name, from) > (exclude && exclude !== 'to' ? 0 : -1)) &&
      (to === undefined || byBytes(name, to) < (exclude && exclude !== 'from' ? 0 : 1)) &&
      (after === undefined || (reverse ? byBytes(name, after) < 0 : byBytes(name, after) > 0)),
  )
  const ordered = inside.toSorted(byBytes)
  return (reverse ? ordered.toReversed() : ordered).slice(0, limit)
}

export function ranges({ db, clock, test }: Kit): void {
  test('ranges: both bounds, one of them, without their ends', async (pk) => {
    await db().set(['a', 'b', 'c', 'd'].map((sk) => ({ pk, sk })))
    const found = async (range: Omit<AtomicDbQuery, 'pk'>) =>
      names(await db().query({ pk, ...range })).join('')
    assert.equal(await found({ from: 'b', to: 'c' }), 'bc')
    assert.equal(await found({ from: 'b', to: 'c', exclude: 'to' }), 'b')
    assert.equal(await found({ from: 'b', to: 'c', exclude: 'from' }), 'c')
    assert.equal(await found({ from: 'b', to: 'c', exclude: 'both' }), '')
    assert.equal(await found({ from: 'bb', to: 'bc' }), '')
    assert.equal(await found({ from: 'b', exclude: 'from' }), 'cd')
    assert.equal(await found({ to: 'b', exclude: 'to' }), 'a')
    assert.equal(await found({ from: 'b' }), 'bcd')
    assert.equal(await found({ to: 'b' }), 'ab')
    assert.equal(await found({ from: 'b', reverse: true, limit: 2 }), 'dc')
    assert.equal(await found({ from: 'a', to: 'd', after: 'b', reverse: true }), 'a')
    assert.equal(await found({ from: 'b', to: 'b', exclude: 'to' }), '')
  })

  test('ranges are exact at every edge of UTF-8, with prefix, after and reverse', async (pk) => {
    await db().set(edges.map((sk) => ({ pk, sk })))
    const texts = edges.filter((text) => text.length < 20)
    const some = <T>(list: readonly T[], count: number) =>
      Array.from({ length: count }, () => list[Math.floor(db().runtime.random() * list.length)]!)
    const queries: Omit<AtomicDbQuery, 'pk'>[] = edges.flatMap((text) => [
      { from: text },
      { to: text },
      { from: text, exclude: 'from' as const },
      { to: text, exclude: 'to' as const, reverse: true },
    ])
    for (let i = 0; i < 60; i++) {
      const [from, to] = some(texts, 2).toSorted(byBytes) as [string, string]
      const [exclude] = some(['from', 'to', 'both', undefined] as const, 1)
      const [sk] = some(['', 'a', 'a\u{10ffff}', from], 1)
      const [after] = some([undefined, from, to], 1)
      queries.push({ from, to, exclude, sk, after, reverse: i % 2 === 0, limit: i % 3 || undefined })
    }
    await Promise.all(
      queries.map(async (query) => {
        const found = await db()
          .query({ pk, ...query })
          .then(names, (error: { code: string }) => error.code)
        // A prefix that the bounds cannot meet, or an `after` outside: refused, and nothing would be found.
        const wanted = expected(edges, query)
        if (found === 'InvalidInput') assert.deepEqual(query.after === undefined ? wanted : [], [])
        else assert.deepEqual(found, wanted, JSON.stringify(query))
      }),
    )
  })

  test('lock rows and expired rows in a range are skipped', async (pk) => {
    await db().set(['a', 'b', 'c'].map((sk) => ({ pk, sk })))
    await db().set({ pk, sk: 'bb', ttl: seconds(clock, -1) })
    await db().getLock({ pk, sk: 'b#lock' })
    assert.deepEqual(names(await db().query({ pk, from: 'a', to: 'c', limit: 3 })), ['a', 'b', 'c'])
    const seen = []
    for await (const item of db().stream({ pk, from: 'b', to: 'b~' })) seen.push(item.sk)
    assert.deepEqual(seen, ['b'])
    assert.equal(await db().count({ pk, from: 'a', to: 'b~' }), 2)
  })

  const bad: Record<string, [Omit<AtomicDbRange, 'pk'> & { after?: string }, string]> = {
    'upside down': [{ from: 'b', to: 'a' }, 'from'],
    'upside down by bytes': [{ from: '😀', to: '\ufffd' }, 'from'],
    'behind the prefix': [{ sk: 'a', from: 'b' }, 'from'],
    'before the prefix': [{ sk: 'b', to: 'a' }, 'to'],
    'an empty bound': [{ from: '' }, 'from'],
    'a number as bound': [{ to: 1 as never }, 'to'],
    'a bound too long': [{ to: 'x'.repeat(1025) }, 'to'],
    'a lone surrogate': [{ from: '\ud800' }, 'from'],
    'exclude of what is not given': [{ from: 'a', exclude: 'to' }, 'exclude'],
    'an unknown exclude': [{ from: 'a', exclude: 'start' as never }, 'exclude'],
    'after outside of the range': [{ from: 'b', to: 'c', after: 'a' }, 'after'],
  }
  for (const [title, [range, field]] of Object.entries(bad)) {
    test(`ranges: ${title} is InvalidInput`, async (pk) => {
      const query = { pk, ...range }
      await rejects(db().query(query), { code: 'InvalidInput', field })
      await rejects(db().count(query), { code: 'InvalidInput', field })
      assert.throws(() => db().stream(query), { code: 'InvalidInput', field })
      if (range.after) return
      await rejects(db().page(query), { code: 'InvalidInput', field })
      await rejects(db().deleteRange(query), { code: 'InvalidInput', field })
    })
  }
}
