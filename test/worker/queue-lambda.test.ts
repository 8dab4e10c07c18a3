import { type AtomicDbQueueItem, InvalidInput, queueLambda, shardsOf } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { SimulatedServer, Simulation } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'

/** Simulated time with one database, and what its handlers saw, by queue. */
function setUp() {
  const world = new Simulation({ seed: 1 })
  const process = world.process()
  const db = new AtomicEngine(new SimulatedServer(world, { latencyMs: [1, 4] }).connect(process), {
    runtime: process,
  })
  const seen: Record<string, unknown[]> = {}
  const note = (name: string) => (item: AtomicDbQueueItem<number>) => {
    seen[name] ??= []
    seen[name].push(item.data)
  }
  const contextOf = (ms = 60_000) => {
    const end = world.time + ms
    return { getRemainingTimeInMillis: () => end - world.time }
  }
  const fill = (...queues: string[]) => db.queuePush(queues.map((pk, data) => ({ pk, data })))
  return { world, db, seen, note, contextOf, fill }
}

/** A record of the stream, as the filter of `addQueueWorker` lets it through. */
const record = (pk: string, eventName = 'INSERT') => ({
  eventName,
  eventSource: 'aws:dynamodb',
  dynamodb: { Keys: { pk: { S: pk }, sk: { S: '01' } }, SequenceNumber: '1', StreamViewType: 'KEYS_ONLY' },
})

describe('the event says which queues are drained', () => {
  const queues = ['mails', 'reports', 'slow']
  const cases: [name: string, event: unknown, drained: string[]][] = [
    ['the schedule', { queue: 'mails' }, ['mails']],
    ['a direct call', { queue: ['mails', 'slow'] }, ['mails', 'slow']],
    ['an event of EventBridge', { source: 'shop', detail: { queue: 'reports' } }, ['reports']],
    ['a shard of a schedule', { queue: 'mails#shard3' }, ['mails']],
    ['stream records', { Records: [record('mails'), record('mails'), record('slow')] }, ['mails', 'slow']],
    ['a record of a shard', { Records: [record('reports#shard1')] }, ['reports']],
    ['records of other rows', { Records: [record('user#1'), record('mails#payload#1')] }, []],
    ['records of deletions', { Records: [record('mails', 'REMOVE')] }, []],
    ['records of another source', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }, queues],
    [
      'a schedule without input',
      { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
      queues,
    ],
    ['nothing', undefined, queues],
    ['an empty object', {}, queues],
  ]

  test.each(cases)('%s', async (_, event, drained) => {
    const { world, db, seen, note, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill(...queues)
      const handler = queueLambda<number>(db, (item) => note(item.pk)(item), { pk: queues })
      expect(await handler(event, contextOf())).toEqual({ handled: drained.length, empty: true })
      expect(Object.keys(seen).sort()).toEqual([...drained].sort())
    })
  })

  test.each([{ queue: 'mail' }, { queue: 7 }, { queue: [] }, { queue: ['mails', ''] }])(
    'a queue that is not served is an error: %j',
    async (event) => {
      const { world, db, contextOf } = setUp()
      const handler = queueLambda(db, () => {}, { pk: queues })
      const call = world.run(() => handler(event, contextOf()))
      await expect(call).rejects.toMatchObject({ code: 'InvalidInput', field: 'event.queue' })
      if (event.queue === 'mail') await expect(call).rejects.toThrow("did you mean 'mails'?")
    },
  )

  test('of a family, the queues that an event names, and otherwise those that have messages', async () => {
    const { world, db, seen, note, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill('tenant#a', 'tenant#b', 'tenant#c', 'tenant#a#dead')
      const handler = queueLambda<number>(db, (item) => note(item.pk)(item), { family: 'tenant#' })
      const names = ['tenant#a', 'tenant#a#dead', 'tenant#b#payload#1', 'tenant#b#dedup#x', 'user#1']
      await handler({ Records: names.map((pk) => record(pk)) }, contextOf())
      expect(Object.keys(seen)).toEqual(['tenant#a'])
      await handler({ queue: ['tenant#c', 'tenant#a#dead'] }, contextOf())
      expect(Object.keys(seen).sort()).toEqual(['tenant#a', 'tenant#a#dead', 'tenant#c'])
      // `tenant#b` was pushed to without its family: only who names it finds it.
      await db.queuePush({ pk: 'tenant#d', family: 'tenant#', data: 4 })
      expect(await handler({}, contextOf())).toMatchObject({ handled: 1, empty: true })
      expect(Object.keys(seen)).toContain('tenant#d')
      await expect(handler({ queue: 'other#a' }, contextOf())).rejects.toThrow('tenant#...')
    })
  })
})

describe('several queues', () => {
  test('each has its handler and its settings', async () => {
    const { world, db, seen, note, contextOf } = setUp()
    await world.run(async () => {
      await db.queuePush(
        Array.from({ length: 20 }, (_, data) => ({ pk: 'mails', data })),
        { shards: 4 },
      )
      await db.queuePush(Array.from({ length: 3 }, (_, data) => ({ pk: 'bad', data })))
      const dead: string[] = []
      const handler = queueLambda(
        db,
        {
          mails: { handler: note('mails'), shards: 4 },
          bad: {
            handler: () => {
              throw new Error('no luck')
            },
            maxReceives: 1,
            deadLetter: 'graveyard',
          },
        },
        { onEvent: (event) => event.type === 'dead' && dead.push(event.deadLetter) },
      )
      expect(await handler({}, contextOf())).toMatchObject({ handled: 20, empty: true })
      expect(seen.mails).toHaveLength(20)
      expect(dead).toEqual(['graveyard', 'graveyard', 'graveyard'])
      expect(
        await handler({ Records: shardsOf('mails', 4).map((pk) => record(pk)) }, contextOf()),
      ).toMatchObject({
        handled: 0,
        empty: true,
      })
    })
  })

  test('share the places, and none waits for the backlog of another', async () => {
    const { world, db, contextOf } = setUp()
    await world.run(async () => {
      await db.queuePush(Array.from({ length: 200 }, (_, data) => ({ pk: 'long', data })))
      await db.queuePush(Array.from({ length: 3 }, (_, data) => ({ pk: 'short', data })))
      let inHand = 0
      let most = 0
      let shortDoneAt = Number.NaN
      const begun = world.time
      const work = async ({ pk, data }: AtomicDbQueueItem<number>) => {
        most = Math.max(most, ++inHand)
        await db.runtime.sleep(100)
        inHand--
        if (pk === 'short' && data === 2) shortDoneAt = world.time - begun
      }
      const handler = queueLambda(db, work, { pk: ['long', 'short'], concurrency: 4 })
      expect(await handler({}, contextOf())).toEqual({ handled: 203, empty: true })
      expect(most).toBe(4)
      // Beside 200 others of 100 ms each, four at once.
      expect(shortDoneAt).toBeLessThan(600)
      expect(world.time - begun).toBeLessThan(6500)
    })
  })

  test('with one place for all of them, each has its turn', async () => {
    const { world, db, seen, note, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill('a', 'b', 'c', 'a', 'b', 'c', 'a')
      const handler = queueLambda<number>(db, (item) => note(item.pk)(item), {
        pk: ['a', 'b', 'c'],
        concurrency: 1,
      })
      expect(await handler({}, contextOf())).toEqual({ handled: 7, empty: true })
      expect(seen).toEqual({ a: [0, 3, 6], b: [1, 4], c: [2, 5] })
    })
  })

  test('what a handler pushes to another queue, or its own, is drained as well', async () => {
    const { world, db, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill('first')
      const steps: string[] = []
      const handler = queueLambda(db, {
        third: () => void steps.push('third'),
        second: async () => {
          steps.push('second')
          await db.queuePush({ pk: 'third' })
        },
        first: async ({ data }: AtomicDbQueueItem<number>) => {
          steps.push(`first ${data}`)
          await db.runtime.sleep(500)
          if (data === 0) await db.queuePush([{ pk: 'first', data: 1 }, { pk: 'second' }])
        },
      })
      expect(await handler({}, contextOf())).toEqual({ handled: 4, empty: true })
      expect(steps.toSorted()).toEqual(['first 0', 'first 1', 'second', 'third'])
    })
  })

  test('the others go on where one cannot be pulled from; then the error is thrown', async () => {
    const { world, db, seen, note, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill('a', 'broken', 'b')
      const pull = db.queuePullMany.bind(db)
      db.queuePullMany = (options) =>
        options.pk === 'broken' ? Promise.reject(new Error('denied')) : (pull(options) as never)
      const handler = queueLambda<number>(db, (item) => note(item.pk)(item), { pk: ['a', 'broken', 'b'] })
      await expect(handler({}, contextOf())).rejects.toThrow('denied')
      expect(seen).toEqual({ a: [0], b: [2] })
    })
  })

  test('the end of the time is one for all', async () => {
    const { world, db, contextOf, fill } = setUp()
    await world.run(async () => {
      await fill('a', 'b', 'a', 'b')
      const handler = queueLambda(db, () => db.runtime.sleep(1e9), { pk: ['a', 'b'], reserveMs: 2000 })
      const begun = world.time
      expect(await handler({}, contextOf(10_000))).toEqual({ handled: 0, empty: false })
      expect(world.time - begun).toBeLessThan(8500)
      expect([(await db.queueStats('a')).ready, (await db.queueStats('b')).ready]).toEqual([2, 2])
    })
  })

  test('an empty queue is asked once, however much another one holds', async () => {
    const { world, db, contextOf } = setUp()
    await world.run(async () => {
      await db.queuePush(Array.from({ length: 60 }, (_, data) => ({ pk: 'full', data })))
      let pulls = 0
      const pull = db.queuePullMany.bind(db)
      db.queuePullMany = (options) => {
        if (options.pk === 'empty') pulls++
        return pull(options) as never
      }
      await queueLambda(db, () => db.runtime.sleep(50), { pk: ['full', 'empty'] })({}, contextOf())
      expect(pulls).toBe(1)
    })
  })
})

describe('bad input', () => {
  const { db } = setUp()
  const work = () => {}
  test.each([
    ['no queue', () => queueLambda(db, work, { pk: [] }), 'pk'],
    ['an empty name', () => queueLambda(db, work, { pk: ['a', ''] }), 'pk'],
    ['pk and family', () => queueLambda(db, work, { pk: 'a', family: 'b' }), 'family'],
    ['family and shards', () => queueLambda(db, work, { family: 'b', shards: 3 }), 'shards'],
    ['what was', () => queueLambda(db, work, { pkPrefix: 'b' } as never), 'pkPrefix'],
    ['an empty family', () => queueLambda(db, work, { family: '' }), 'family'],
    ['no handlers', () => queueLambda(db, {}), 'handler'],
    ['a handler that is none', () => queueLambda(db, { a: 7 as never }), 'handler.a'],
    [
      'an unknown setting of a queue',
      () => queueLambda(db, { a: { handler: work, shard: 3 } as never }),
      'shard',
    ],
    ['a wrong setting of a queue', () => queueLambda(db, { a: { handler: work, shards: 0 } }), 'shards'],
    ['a pk beside names', () => queueLambda(db, { a: work }, { pk: 'a' } as never), 'pk'],
    ['a wrong concurrency', () => queueLambda(db, { a: work }, { concurrency: 0 }), 'concurrency'],
    ['an unknown option', () => queueLambda(db, work, { pk: 'a', reserve: 5 } as never), 'reserve'],
  ])('%s is refused', (_, make, field) => {
    expect(make).toThrow(InvalidInput)
    expect(make).toThrow(new RegExp(`^(\\w+\\.)*${field.replace('.', '\\.')}: `))
  })
})
