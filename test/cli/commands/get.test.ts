import { describe, expect, it } from 'vitest'
import { onTable, records, type Surroundings } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

describe('get', () => {
  it('shows an item, for people and for machines', async () => {
    const pk = on.pk()
    const ttl = Math.floor(Date.now() / 1000) + 3600
    const data = { name: 'Ann', big: 2n ** 60n, bytes: new Uint8Array([1, 2]), tags: new Set(['a']) }
    await on.db().set({ pk, sk: 'a', data, ttl })
    const human = await lockrow(['get', pk, 'a'])
    expect(human).toMatchObject({ code: 0, err: '' })
    expect(human.out).toContain('"name": "Ann"')
    expect(human.out).toMatch(/^expires +\S+ \(in (59 min 5\d s|1 h)\)$/m)
    expect(records(await lockrow(['get', pk, 'a', '--json']))).toEqual([
      {
        pk,
        sk: 'a',
        ttl,
        data: {
          name: 'Ann',
          big: { $bigint: String(2n ** 60n) },
          bytes: { $bytes: 'AQI=' },
          tags: { $set: ['a'] },
        },
      },
    ])
  })

  it('what is not there is exit code 1', async () => {
    const pk = on.pk()
    expect(await lockrow(['get', pk, 'x'])).toEqual({
      code: 1,
      out: '',
      err: `there is no item at ${pk}/x\n`,
    })
    expect(await lockrow(['get', pk, 'x', '--json'])).toMatchObject({ code: 1, out: 'null\n' })
    expect(await lockrow(['get', pk, 'x', '--eventual'])).toMatchObject({ code: 1 })
  })
})

describe('what a key or a text holds', () => {
  const nasty = 'a\u001b\u007f\u009b\u202e'
  const plain = /^[ -~\n]*$/

  it('does not reach the terminal as it is', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: nasty, data: { [nasty]: nasty } })
    for (const flags of [[], ['--json']]) {
      const ran = await lockrow(['get', pk, nasty, ...flags], { tty: true })
      expect(ran).toMatchObject({ code: 0, err: '' })
      expect(ran.out).toMatch(plain)
    }
    expect(records(await lockrow(['get', pk, nasty, '--json']))).toEqual([
      { pk, sk: nasty, data: { [nasty]: nasty } },
    ])
  })

  it.each<[string[], number]>([
    [['get', 'none', nasty], 1],
    [['get', nasty], 2],
    [[nasty], 2],
    [['get', 'a', 'b', `--${nasty}`], 2],
    [['help', nasty], 2],
    [['query', 'a', '--cursor', nasty], 2],
    [['query', 'a', '--table', nasty, '--verbose'], 2],
    [['get', 'a', 'b', '--endpoint', nasty], 2],
    [['queue', 'push', 'q', '--file', nasty], 2],
    [['queue', 'push', 'q', nasty], 2],
    [['queue', 'redrive', nasty], 2],
    [['mutex', 'show', 'none', nasty], 1],
  ])('nor in what is said of it: %j', async (argv, code) => {
    const ran = await lockrow(argv)
    expect(ran).toMatchObject({ code, out: '' })
    expect(ran.err).toMatch(plain)
  })

  it('nor in a question', async () => {
    const queue = on.pk() + nasty
    await on.db().queuePush({ pk: queue })
    const ran = await lockrow(['queue', 'purge', queue], { tty: true, input: 'n\n' })
    expect(ran.code).toBe(1)
    expect(ran.err).toMatch(/a\\x1b\\x7f\\x9b\\u202e/)
    expect(ran.err).toMatch(plain)
  })
})

describe('colours', () => {
  const esc = '\u001b['
  it('are for terminals, and for those who want them', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a', data: 1 })
    const coloured = await lockrow(['get', pk, 'a'], { tty: true, env: { NO_COLOR: '' } })
    expect(coloured.out).toContain(`${esc}2mpk${esc}22m`)
    const plain: Surroundings[] = [
      { tty: true, env: { NO_COLOR: '1' } },
      { tty: true, env: { NO_COLOR: '', TERM: 'dumb' } },
      { tty: false, env: { NO_COLOR: '' } },
    ]
    for (const given of plain) expect((await lockrow(['get', pk, 'a'], given)).out).not.toContain(esc)
    const json = await lockrow(['get', pk, 'a', '--json'], { tty: true, env: { NO_COLOR: '' } })
    expect(records(json)).toEqual([{ pk, sk: 'a', data: 1 }])
    const wrong = await lockrow(['frob'], { tty: true, env: { NO_COLOR: '' } })
    expect(wrong.err).toContain(`${esc}31mlockrow:${esc}39m unknown command`)
    const help = (tty: boolean) => lockrow(['help', 'get'], { tty, env: { NO_COLOR: '' } })
    expect((await help(true)).out).toContain(`${esc}1mUsage:`)
    expect((await help(false)).out).not.toContain(esc)
  })
})
