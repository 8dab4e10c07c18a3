import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onTable, records } from '../helpers.ts'

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

  it('by priority, which a group has none of', async () => {
    const queue = on.pk()
    await lockrow(['queue', 'push', queue, '1'])
    await lockrow(['queue', 'push', queue, '2', '--priority', 'high'])
    const shown = await on.db().queuePeek({ pk: queue })
    expect(shown.map(({ data, priority }) => [data, priority])).toEqual([
      [2, 'high'],
      [1, undefined],
    ])
    const grouped = await lockrow(['queue', 'push', queue, '3', '--priority', 'low', '--group', 'g'])
    expect(grouped).toMatchObject({ code: 2, err: expect.stringContaining('cannot stand with group') })
    expect((await lockrow(['queue', 'push', queue, '3', '--priority', 'urgent'])).err).toContain('normal')
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

describe('tags', () => {
  it('go in as they come out, from the call and from a file', async () => {
    const [queue, copy] = [on.pk(), on.pk()]
    const data = { n: 2n ** 70n, bytes: new Uint8Array([1, 2]), tags: new Set(['a']), looks: { $set: [1] } }
    await on.db().queuePush({ pk: queue, data })
    const [shown] = records(await lockrow(['queue', 'peek', queue, '--json'])) as { data: unknown }[]
    const json = JSON.stringify(shown!.data)
    expect(json).toContain('$bigint')
    expect(await lockrow(['queue', 'push', copy, json])).toMatchObject({ code: 0 })
    expect(await lockrow(['queue', 'push', copy, '--file', '-'], { input: json })).toMatchObject({ code: 0 })
    const there = await on.db().queuePeek({ pk: copy })
    expect(there.map((message) => message.data)).toStrictEqual([data, data])
  })

  it('that hold something else are named with their line, and nothing is sent', async () => {
    const queue = on.pk()
    const ran = await lockrow(['queue', 'push', queue, '--file', '-'], { input: '1\n{"a":{"$bigint":5}}\n' })
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toBe(
      'lockrow: standard input:2: {"$bigint"} needs a whole number as a text: {"$bigint":"1"}; nothing was sent\n',
    )
    expect(await on.db().queuePeek({ pk: queue })).toEqual([])
  })
})
