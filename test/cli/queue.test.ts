import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onTable, records } from './helpers.ts'

const on = onTable()
const { lockrow } = on
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockrow-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => `${JSON.stringify({ n: i })}\n`).join('')

describe('queue push', () => {
  it('one message', async () => {
    const queue = on.pk()
    const human = await lockrow(['queue', 'push', queue, '{"task":"mail"}', '--group', 'g'])
    expect(human.out).toMatch(new RegExp(`^pushed 1 message to '${queue}', with sk [0-9A-Z]{26}\n$`))
    const [pushed] = records(await lockrow(['queue', 'push', queue, '"text"', '--delay', '60', '--json']))
    const [first, second] = await on.db().queuePeek({ pk: queue })
    expect(first).toMatchObject({ data: { task: 'mail' }, group: 'g' })
    expect(second?.data).toBe('text')
    expect(pushed).toEqual({ queue, pushed: 1, total: 1, stopped: false, last: second?.sk })
    expect(await on.db().queueStats(queue)).toMatchObject({ ready: 1, delayed: 1 })
  })

  it('the same deduplication id sends one', async () => {
    const queue = on.pk()
    for (let i = 0; i < 2; i++)
      expect(
        (await lockrow(['queue', 'push', queue, '1', '--deduplication-id', 'a', '--exactly-once'])).code,
      ).toBe(0)
    expect(await on.db().queuePeek({ pk: queue })).toHaveLength(1)
  })

  it('a file in its order, and standard input', async () => {
    const queue = on.pk()
    const path = file('many.jsonl', `${numbers(230)}\n`)
    expect(await lockrow(['queue', 'push', queue, '--file', path])).toEqual({
      code: 0,
      out: `pushed 230 messages to '${queue}'\n`,
      err: '',
    })
    const piped = await lockrow(['queue', 'push', queue, '--file', '-', '--json'], { input: '1\r\n\n"é"' })
    expect(records(piped)).toMatchObject([{ pushed: 2, total: 2 }])
    const all = await on.db().queuePeek<unknown>({ pk: queue, limit: 1000 })
    expect(all.map(({ data }) => data)).toEqual([...Array.from({ length: 230 }, (_, n) => ({ n })), 1, 'é'])
  })

  it.each([
    ['a line that is no JSON', '1\n\n{"a":\n4\n', /:3 is not JSON \(.+\); nothing was sent/],
    ['a line that is no UTF-8', Buffer.from([0x31, 10, 0x22, 0xff, 0x22]), /:2 is not JSON/],
    [
      'a number that would be rounded',
      `${numbers(150)}{"id":12345678901234567890}\n`,
      /:151: data\.id: .+; nothing was sent/,
    ],
    ['a message that is too large', `1\n${JSON.stringify('x'.repeat(500_000))}\n`, /:2: .*409600/],
  ])('%s is named by its number, and nothing is sent', async (name, content, problem) => {
    const queue = on.pk()
    const ran = await lockrow(['queue', 'push', queue, '--file', file(`${name}.jsonl`, content)])
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toMatch(problem)
    expect(ran.err.trimEnd().split('\n')).toHaveLength(1)
    expect(await on.db().queuePeek({ pk: queue })).toEqual([])
  })

  it('shows a bar on a terminal, and says at Ctrl-C how far it came', async () => {
    const queue = on.pk()
    const path = file('long.jsonl', numbers(300))
    const stop = new AbortController()
    const ran = await lockrow(['queue', 'push', queue, '--file', path], {
      tty: true,
      signal: stop.signal,
      onErr: (text) => {
        if (text.includes('0/300')) stop.abort()
      },
    })
    expect(ran).toMatchObject({ code: 130, out: '' })
    expect(ran.err).toContain('push [')
    expect(ran.err).toMatch(/stopped: pushed 0 of 300\n$/)
    expect(await on.db().queuePeek({ pk: queue })).toEqual([])
  })
})

describe('queue stats and peek', () => {
  it('count and show without claiming', async () => {
    const queue = on.pk()
    await on.db().queuePush<unknown>([
      { pk: queue, data: { a: 1 } },
      { pk: queue, data: 'two', group: 'g' },
    ])
    await on.db().queuePull({ pk: queue })
    const human = await lockrow(['queue', 'stats', queue])
    expect(human.out).toMatch(/^ready +1\nin flight +1\ndelayed +0\ndead +0\n/m)
    expect(records(await lockrow(['queue', 'stats', queue, '--json']))).toMatchObject([
      { queue, ready: 1, inFlight: 1, delayed: 0, dead: 0 },
    ])
    const seen = await lockrow(['queue', 'peek', queue])
    expect(seen.out.split('\n')[0]).toMatch(/^sk +age +state +received +group +data$/)
    expect(seen.out).toMatch(/in flight, (5 min|4 min 5\ds?).* {2}1 .*\{"a":1\}/)
    expect(seen.out).toMatch(/waits +0 +g +"two"$/m)
    expect(records(await lockrow(['queue', 'peek', queue, '--limit', '1', '--json']))).toMatchObject([
      { pk: queue, data: { a: 1 }, isProcessing: true, receiveCount: 1 },
    ])
    expect(await lockrow(['queue', 'peek', on.pk()])).toEqual({ code: 0, out: '', err: 'no messages\n' })
  })

  it('of a sharded queue', async () => {
    const queue = on.pk()
    await lockrow(['queue', 'push', queue, '--file', '-', '--shards', '4'], { input: numbers(20) })
    const [stats] = records(await lockrow(['queue', 'stats', queue, '--shards', '4', '--json']))
    expect(stats).toMatchObject({ ready: 20 })
    const peeked = await lockrow(['queue', 'peek', queue, '--shards', '4', '--limit', '30', '--json'])
    expect(records(peeked)).toHaveLength(20)
    expect(
      records(await lockrow(['queue', 'purge', queue, '--shards', '4', '--yes', '--json'])),
    ).toMatchObject([{ deleted: 20, stopped: false }])
  })
})

describe('queue purge', () => {
  it('asks before it deletes', async () => {
    const queue = on.pk()
    await on.db().queuePush(Array.from({ length: 300 }, (_, data) => ({ pk: queue, data })))
    await on.db().queuePull({ pk: queue })
    const refused = await lockrow(['queue', 'purge', queue], { input: 'y\n' })
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/^lockrow: purge deletes messages .*--yes.*\n$/)
    for (const input of ['n\n', '\n', '']) {
      const no = await lockrow(['queue', 'purge', queue], { tty: true, input })
      expect(no.code).toBe(1)
      expect(no.err).toContain(`delete 300 messages of '${queue}' (1 in flight)? [y/N]`)
      expect(no.err).toContain('nothing was done')
    }
    expect(await on.db().queueStats(queue)).toMatchObject({ ready: 299, inFlight: 1 })
    const yes = await lockrow(['queue', 'purge', queue], { tty: true, input: 'yes\n' })
    expect(yes).toMatchObject({ code: 0, out: `deleted 300 messages of '${queue}'\n` })
    expect(yes.err).toContain('purge [')
    expect(await on.db().queuePeek({ pk: queue })).toEqual([])
    expect(records(await lockrow(['queue', 'purge', queue, '--yes', '--json']))).toEqual([
      { queue, deleted: 0, total: 0, stopped: false },
    ])
  })
})

describe('queue redrive', () => {
  it('moves dead letters back', async () => {
    const queue = on.pk()
    const db = on.db()
    await db.queuePush(Array.from({ length: 60 }, (_, data) => ({ pk: queue, data })))
    const { items } = await db.queuePullMany({ pk: queue, limit: 60 })
    for (const item of items) await db.queueRelease(item, { reason: 'broken' })
    // Received once already: all go to the dead letters.
    expect((await db.queuePullMany({ pk: queue, limit: 60, maxReceives: 1 })).items).toEqual([])
    await db.queuePush({ pk: `${queue}#dead`, data: 'by hand' })

    expect((await lockrow(['queue', 'peek', `${queue}#dead`])).out).toContain('broken')
    expect(await lockrow(['queue', 'redrive', queue])).toMatchObject({ code: 2, out: '' })
    expect(await lockrow(['queue', 'redrive', queue], { tty: true, input: 'no\n' })).toMatchObject({
      code: 1,
    })
    const some = await lockrow(['queue', 'redrive', queue, '--limit', '7', '--yes', '--json'])
    expect(records(some)).toEqual([{ from: `${queue}#dead`, moved: 7, total: 7, stopped: false }])
    const rest = await lockrow(['queue', 'redrive', `${queue}#dead`], { tty: true, input: 'y\n' })
    expect(rest.code).toBe(0)
    expect(rest.out).toBe(`moved 53 messages of '${queue}#dead' back to where they come from\n`)
    expect(rest.err).toContain('redrive [')
    expect(rest.err).toContain('1 stayed')
    expect(await db.queueStats(queue)).toMatchObject({ ready: 60, dead: 1 })
    const to = await lockrow(['queue', 'redrive', queue, '--to', queue, '--yes'])
    expect(to.out).toBe(`moved 1 message of '${queue}#dead' back to '${queue}'\n`)
  })
})
