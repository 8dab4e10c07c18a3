import { AtomicDynamoDB } from 'lockrow/dynamo'
import { beforeAll, describe, expect, it } from 'vitest'
import { onTable, type Ran, records } from '../helpers.ts'

const on = onTable()
const pk = 'log'
const days = ['2026-01-30', '2026-01-31', '2026-02-01', '2026-02-02', '2026-03-01']

beforeAll(async () => {
  await on.db().set(days.map((sk, n) => ({ pk, sk, data: { n, who: { name: `u${n}`, age: n } } })))
  await on.db().getLock({ pk, sk: '2026-02-01#lock' })
})

const query = (...flags: string[]) => on.lockrow(['query', pk, ...flags, '--json'])
const sks = (ran: Ran) => records(ran).map((item) => (item as { sk: string }).sk)

describe('a range', () => {
  it.each<[string[], number[]]>([
    [
      ['--from', '2026-01-31'],
      [1, 2, 3, 4],
    ],
    [
      ['--to', '2026-02-01'],
      [0, 1, 2],
    ],
    [
      ['--from', '2026-01-31', '--to', '2026-02-01'],
      [1, 2],
    ],
    [['--from', '2026-01-31', '--to', '2026-02-01', '--exclude', 'from'], [2]],
    [['--from', '2026-01-31', '--to', '2026-02-01', '--exclude', 'to'], [1]],
    [['--from', '2026-01-31', '--to', '2026-02-02', '--exclude', 'both'], [2]],
    [
      ['--prefix', '2026-0', '--from', '2026-02', '--to', '2026-03'],
      [2, 3],
    ],
    [
      ['--from', '2026-01-31', '--reverse', '--limit', '2'],
      [4, 3],
    ],
    [
      ['--from', '2026-01-31', '--to', '2026-02-02', '--after', '2026-01-31'],
      [2, 3],
    ],
    [
      ['--to', '2026-02-02', '--reverse', '--after', '2026-02-01'],
      [1, 0],
    ],
  ])('%j', async (flags, expected) => {
    const ran = await query(...flags)
    expect(ran).toMatchObject({ code: 0 })
    expect(sks(ran)).toEqual(expected.map((n) => days[n]))
  })
})

describe('pages', () => {
  it('each tells the cursor of the next one, and the last one tells none', async () => {
    const seen: string[] = []
    let more = ['--page']
    for (let pages = 0; more.length > 0; pages++) {
      expect(pages).toBeLessThan(3)
      const ran = await query('--limit', '2', '--to', '2026-02-02', ...more)
      seen.push(...sks(ran))
      const cursor = /^2 items, and there are more: --cursor (\S+)\n$/.exec(ran.err)?.[1]
      more = cursor === undefined ? [] : ['--cursor', cursor]
      if (!cursor) expect(ran.err).toBe('')
    }
    expect(seen).toEqual(days.slice(0, 4))
  })

  it('takes the cursors of a program', async () => {
    const { cursor } = await on.db().page({ pk, limit: 3, reverse: true })
    expect(sks(await query('--reverse', '--cursor', cursor!))).toEqual([days[1], days[0]])
  })
})

describe('count', () => {
  it.each<[string[], number]>([
    [[], 5],
    [['--prefix', '2026-02'], 2],
    [['--from', '2026-01-31', '--exclude', 'from'], 3],
    [['--after', '2026-02-02'], 1],
    [['--limit', '3'], 3],
    [['--prefix', 'x'], 0],
  ])('%j', async (flags, expected) => {
    expect(await on.lockrow(['query', pk, '--count', ...flags])).toEqual({
      code: 0,
      out: `${expected}\n`,
      err: '',
    })
    expect(records(await query('--count', ...flags))).toEqual([{ pk, count: expected }])
  })

  it('is not bound to the 100 items that are shown', async () => {
    const many = Array.from({ length: 120 }, (_, i) => ({ pk: 'many', sk: `${i}`, data: i }))
    await on.db().set(many)
    expect((await on.lockrow(['query', 'many', '--count'])).out).toBe('120\n')
  })
})

describe('fields', () => {
  it('shows these and no others, also over pages', async () => {
    const only = records(await query('--fields', 'n,who.name', '--limit', '1'))
    expect(only).toEqual([{ pk, sk: days[0], data: { n: 0, who: { name: 'u0' } } }])
    const again = records(await query('--fields', 'n', '--fields', 'who.age', '--limit', '1', '--page'))
    expect(again).toEqual([{ pk, sk: days[0], data: { n: 0, who: { age: 0 } } }])
  })
})

describe('what cannot be names the option, and is not sent', () => {
  it.each<[string[], string]>([
    [['--from', 'b', '--to', 'a'], '--from: lies behind --to: --from is the lower bound, also with reverse'],
    [['--prefix', 'b', '--from', 'c'], '--from: lies behind every key with the prefix in --prefix'],
    [['--prefix', 'b', '--to', 'a'], '--to: lies before every key with the prefix in --prefix'],
    [['--to', ''], '--to: must not be empty'],
    [['--exclude', 'from'], '--exclude: names a bound that is not given, got from'],
    [['--from', 'a', '--exclude', 'end'], "option '--exclude <bound>' argument 'end' is invalid"],
    [['--prefix', 'b', '--after', 'a'], '--after: must begin with the prefix in --prefix'],
    [['--from', 'b', '--after', 'a'], '--after: must lie between --from and --to'],
    [['--prefix', 'x'.repeat(1100)], '--prefix: must be at most'],
    [['--limit', '-1'], "option '--limit <n>'"],
    [['--cursor', 'abc'], '--cursor: is damaged'],
    [['--fields', 'pk'], "--fields: 'pk' is reserved"],
    [['--fields', 'n,'], '--fields: names all of data'],
    [['--fields', 'a[0]'], '--fields: has a list position'],
    [['--count', '--fields', 'n'], '--count and --fields do not go together'],
    [['--count', '--page'], '--count and --page do not go together'],
    [['--count', '--cursor', 'abc'], '--count and --cursor do not go together'],
    [['--after', 'a', '--cursor', 'abc'], '--after and --cursor do not go together'],
    [['--after', 'a', '--page'], '--after and --page do not go together'],
  ])('%j', async (flags, problem) => {
    const { code, out, err } = await on.lockrow(['query', pk, ...flags])
    expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 2, out: '', lines: 2 })
    expect(err).toContain(problem)
  })

  it('a cursor of another query', async () => {
    const { cursor } = await on.db().page({ pk, limit: 1 })
    const ran = await query('--reverse', '--cursor', cursor!)
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toContain('--cursor: belongs to another query')
    const signed = new AtomicDynamoDB(on.client(), on.table(), { cursorSecret: 'a secret of 16 or more' })
    const made = await signed.page({ pk, limit: 1 })
    expect((await query('--cursor', made.cursor!)).err).toContain('--cursor: was made with a cursorSecret')
  })
})

describe('a partition', () => {
  it('pages through a partition', async () => {
    const pk = on.pk()
    await on.db().set(['a1', 'a2', 'a3', 'b1'].map((sk) => ({ pk, sk, data: { sk } })))
    const human = await on.lockrow(['query', pk, '--prefix', 'a'])
    expect(human.out.split('\n').map((line) => line.split(/ +/)[0])).toEqual(['sk', 'a1', 'a2', 'a3', ''])
    const first = await on.lockrow(['query', pk, '--limit', '2', '--json'])
    expect(records(first).map((item) => (item as { sk: string }).sk)).toEqual(['a1', 'a2'])
    expect(first.err).toBe('2 items, and there are more: --after "a2"\n')
    const rest = await on.lockrow(['query', pk, '--after', 'a2', '--json'])
    expect(records(rest)).toEqual(['a3', 'b1'].map((sk) => ({ pk, sk, data: { sk } })))
    expect(rest.err).toBe('')
    const last = await on.lockrow(['query', pk, '--reverse', '--limit', '1', '--json'])
    expect(records(last)).toMatchObject([{ sk: 'b1' }])
  })

  it('of nothing is nothing, and no error', async () => {
    expect(await on.lockrow(['query', on.pk()])).toEqual({ code: 0, out: '', err: 'no items\n' })
    expect(await on.lockrow(['query', on.pk(), '--json'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('keeps to the width of a terminal and lets no data control it', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a\u001b[31m\u009b', data: 'x'.repeat(200) })
    const { out } = await on.lockrow(['query', pk], { tty: true })
    expect(out).toContain('a\\x1b[31m\\x9b')
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBe(80)
    expect((await on.lockrow(['query', pk])).out).toContain('x'.repeat(200))
  })
})
