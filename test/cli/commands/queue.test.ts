import { describe, expect, it } from 'vitest'
import { onTable, records } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

const numbers = (n: number) => Array.from({ length: n }, (_, i) => `${JSON.stringify({ n: i })}\n`).join('')

describe('queue stats and peek', () => {
  it('count and show without claiming', async () => {
    const queue = on.pk()
    await on.db().queuePush<unknown>([
      { pk: queue, data: { a: 1 } },
      { pk: queue, data: 'two', group: 'g' },
    ])
    await on.db().queuePull({ pk: queue })
    const human = await lockrow(['queue', 'stats', queue])
    expect(human.out).toMatch(/^ready +1\nin flight +1\ndelayed +0\ndue later +0\ndead +0\n/m)
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

describe('queue cancel', () => {
  it('deletes a message that waits, by key, by id and in any shard', async () => {
    const queue = on.pk()
    const [waiting, held] = await on.db().queuePush([
      { pk: queue, data: 1 },
      { pk: queue, data: 2, delaySeconds: 9 },
    ])
    expect((await lockrow(['queue', 'cancel', queue, waiting!.sk])).err).toContain('say --yes')
    const no = await lockrow(['queue', 'cancel', queue, held!.sk], { tty: true, input: 'n\n' })
    expect(no).toMatchObject({ code: 1 })
    await on.db().queuePull({ pk: queue })
    const refused = await lockrow(['queue', 'cancel', queue, waiting!.sk, '--yes'])
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain('in processing, or not there')
    const done = await lockrow(['queue', 'cancel', queue, held!.sk, '--yes'])
    expect(done).toMatchObject({ code: 0, out: `cancelled '${held!.sk}' of '${queue}'\n` })
    const push = () => lockrow(['queue', 'push', queue, '3', '--unique-id', 'a', '--shards', '3', '--json'])
    const [first] = records(await push()) as { pushed: number; last: string }[]
    expect(first).toMatchObject({ pushed: 1 })
    expect(records(await push())).toMatchObject([{ pushed: 0, last: first!.last }])
    const sk = first!.last
    expect(
      records(await lockrow(['queue', 'cancel', queue, sk, '--shards', '3', '--yes', '--json'])),
    ).toMatchObject([{ queue, sk, cancelled: true }])
    await push()
    const byId = ['queue', 'cancel', queue, '--unique-id', 'a', '--yes']
    expect(await lockrow(byId)).toMatchObject({ code: 0, out: `cancelled 'a' of '${queue}'\n` })
    expect((await lockrow(['queue', 'cancel', queue, '--yes'])).err).toContain('by its sk, or by --unique-id')
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

describe('queue peek of dead letters', () => {
  it('shows where from, when, and how often received, beside the data', async () => {
    const queue = on.pk()
    const db = on.db()
    await db.queuePush({ pk: queue, data: { order: 7 } })
    for (let i = 0; i < 3; i++) {
      const { item } = await db.queuePull({ pk: queue })
      await db.queueRelease(item!, { reason: 'no route' })
    }
    expect((await db.queuePull({ pk: queue, maxReceives: 3 })).item).toBeUndefined()
    const { out } = await lockrow(['queue', 'peek', `${queue}#dead`])
    const [headings, row] = out.split('\n')
    expect(headings).toMatch(/^sk +state +received +from +died +reason +data$/)
    expect(row).toMatch(
      new RegExp(`^[0-9A-Z]{26} +waits +3 +${queue} +(in 0 s|\\d s ago|0 s ago) +no route +\\{"order":7\\}$`),
    )
    await db.queuePull({ pk: `${queue}#dead` })
    expect((await lockrow(['queue', 'peek', `${queue}#dead`])).out).toMatch(/ 3, here 1 /)
    const narrow = await lockrow(['queue', 'peek', `${queue}#dead`], { tty: true })
    expect(narrow.out).toContain('{"order":7}')
    for (const line of narrow.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})
