import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { Control } from '../../../src/engine/queue/control.ts'
import { Places } from '../../../src/engine/queue/places.ts'
import { noneFound, type PlacesPull, pullPlaces } from '../../../src/engine/queue/pull-places.ts'
import { InvalidInput, QueueWorker } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'
import { Machine } from '../../setup/machine.ts'

const hourMs = 3_600_000
const family = 'mails/'

/** Processes of one table in simulated time, each with what it has read. */
function open(seed = 1, latencyMs: [number, number] = [1.5, 3.5]) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs })
  const join = () => {
    const process = world.process()
    const storage = server.connect(process)
    const cost = { rru: 0 }
    const db = new AtomicEngine(
      {
        ...storage,
        page: async (range, options) => {
          const page = await storage.page(range, options)
          const bytes = page.rows.reduce((sum, row) => sum + rowBytes(row), 0)
          cost.rru += Math.max(1, Math.ceil(bytes / 4096)) * (options.consistent === false ? 0.5 : 1)
          return page
        },
        read: async (keys, options) => {
          cost.rru += keys.length * (options.consistent === false ? 0.5 : 1)
          return storage.read(keys, options)
        },
      },
      { runtime: process },
    )
    return { db, process, cost }
  }
  const pointers = async (name: string) => {
    const { rows } = await server.storage.page({ pk: `${name}#work` })
    return rows.map(({ sk }) => sk).filter((sk) => sk.startsWith('p#'))
  }
  return { world, join, pointers }
}

const customers = (count: number) => Array.from({ length: count }, (_, i) => `${family}${i}`)

test.each([
  ['64 shards', 64, { pk: 'jobs', shards: 64 }, (i: number) => ({ pk: `jobs#shard${i}` })],
  ['300 queues of a family', 300, { family }, (i: number) => ({ pk: `${family}${i}`, family })],
])(
  'an idle worker of %s costs 480 RRU in the hour after the pointers are gone',
  (_, count, options, item) => {
    const { world, join, pointers } = open()
    return world.run(async () => {
      const [producer, consumer] = [join(), join()]
      let done = 0
      const worker = new QueueWorker(consumer.db, () => done++, { ...options, concurrency: 20 })
      await producer.db.queuePush(Array.from({ length: count }, (_, i) => item(i)))
      await world.process().sleep(hourMs)
      expect(done).toBe(count)
      expect(await pointers('family' in options ? family : 'jobs')).toEqual([])
      consumer.cost.rru = 0
      await world.process().sleep(hourMs)
      expect(consumer.cost.rru).toBeGreaterThan(400)
      expect(consumer.cost.rru).toBeLessThanOrEqual(480)
      await worker.stop()
    })
  },
)

test('a message of another process is found after half a look in the mean, whatever queue it is in', () => {
  const { world, join } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    const clock = world.process()
    const waits: number[] = []
    const worker = new QueueWorker<number>(consumer.db, ({ data }) => waits.push(world.time - data), {
      family,
    })
    await clock.sleep(60_000)
    for (let i = 0; i < 60; i++) {
      await producer.db.queuePush({ pk: `${family}${i % 7}`, family, data: world.time })
      await clock.sleep(20_000 + producer.process.random() * 40_000)
    }
    await worker.stop()
    waits.sort((a, b) => a - b)
    expect(waits.length).toBe(60)
    expect(waits.reduce((sum, one) => sum + one, 0) / 60).toBeLessThan(2300)
    expect(waits[58]).toBeLessThan(4100)
  })
})

test("a customer's million messages keep nobody back", () => {
  const { world, join } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    await producer.db.queuePush(
      Array.from({ length: 2000 }, (_, data) => ({ pk: `${family}big`, family, data })),
    )
    await consumer.db.queuePullMany({ family, limit: 10 })
    const small = customers(20)
    await producer.db.queuePush(small.map((pk) => ({ pk, family })))
    const found = new Set<string>()
    let pulls = 0
    await consumer.process.sleep(1000)
    for (; found.size < small.length && pulls < 200; pulls++) {
      const { items } = await consumer.db.queuePullMany({ family, limit: 10 })
      for (const { pk } of items) if (pk !== `${family}big`) found.add(pk)
    }
    expect(found.size).toBe(small.length)
    expect(pulls).toBeLessThan(25)
  })
})

test('a pointer stays while anything is in its queue, in flight or waiting, and while it may be relied on', () => {
  const { world, join, pointers } = open()
  return world.run(async () => {
    const { db, process } = join()
    const look = () => db.queuePull({ family, consistent: false })
    await db.queuePush([
      { pk: `${family}held`, family },
      { pk: `${family}later`, family, delaySeconds: 7200, group: 'g' },
      { pk: `${family}done`, family },
    ])
    const { items } = await db.queuePullMany({ family, limit: 3, ttlSeconds: 7200 })
    for (const item of items) if (item.pk === `${family}done`) await db.queueAcknowledge(item)
    expect(await pointers(family)).toHaveLength(3)
    for (let minute = 0; minute < 30; minute++) {
      await process.sleep(60_000)
      await look()
    }
    expect(await pointers(family)).toEqual([`p#${family}held`, `p#${family}later`])
    // It is raised again by the next push.
    await db.queuePush({ pk: `${family}done`, family })
    expect((await db.queuePull({ family })).item?.pk).toBe(`${family}done`)
  })
})

test('a clock that is set forward collects no pointer on which a push may still rely', () => {
  const { world, join, pointers } = open()
  return world.run(async () => {
    const [producer, consumer] = [join(), join()]
    const item = { pk: `${family}a`, family }
    await consumer.db.queuePull({ family, consistent: false })
    await producer.db.queuePush(item)
    const { item: taken } = await consumer.db.queuePull({ family })
    await consumer.db.queueAcknowledge(taken!)
    consumer.process.stepClock(6 * hourMs)
    for (let minute = 0; minute < 8; minute++) {
      await consumer.process.sleep(60_000)
      await consumer.db.queuePull({ family, consistent: false })
    }
    expect(await pointers(family)).toEqual([`p#${family}a`])
    for (let minute = 0; minute < 20; minute++) {
      await consumer.process.sleep(60_000)
      await consumer.db.queuePull({ family, consistent: false })
    }
    expect(await pointers(family)).toEqual([])
  })
})

test('consumers look often for as long as a pointer is relied on, whatever clock has raised it', () => {
  const { world, join } = open()
  return world.run(async () => {
    const [ahead, producer, consumer] = [join(), join(), join()]
    const waits: number[] = []
    const worker = new QueueWorker<number>(consumer.db, ({ data }) => waits.push(world.time - data), {
      family,
    })
    ahead.process.stepClock(240_000)
    const push = ({ db }: typeof producer) => db.queuePush({ pk: `${family}a`, family, data: world.time })
    await push(ahead)
    await world.process().sleep(120_000)
    // It relies on what the other one wrote: nothing tells the consumer.
    await push(producer)
    await world.process().sleep(10_000)
    await worker.stop()
    expect(waits).toHaveLength(2)
    expect(waits[1]).toBeLessThan(4100)
  })
})

test('a push to more queues than can be pointed at within the time for which a pointer is relied on', () => {
  const { world, join, pointers } = open(1, [1000, 1000])
  return world.run(async () => {
    const { db } = join()
    const items = customers(400).map((pk, i) => ({ pk, family, ...(i % 2 === 0 && { sk: 'mine' }) }))
    await db.queuePush(items, { timeoutMs: hourMs })
    expect(await pointers(family)).toHaveLength(400)
    expect(world.time).toBeLessThan(hourMs / 4)
  })
})

test('what a pull of a family may not have', async () => {
  const { db } = open().join()
  const refused = (field: string) => expect.objectContaining({ code: 'InvalidInput', field })
  await expect(db.queuePull({ family: '' })).rejects.toEqual(refused('family'))
  await expect(db.queuePull({ family, pk: 'a' })).rejects.toEqual(refused('pk'))
  await expect(db.queuePull({ family, shards: 3 })).rejects.toEqual(refused('shards'))
  await expect(db.queuePull({ family, group: 'g' })).rejects.toEqual(refused('group'))
  await expect(db.queuePull({})).rejects.toEqual(refused('pk'))
  await expect(db.queuePull({ family, ttlSeconds: 0 })).rejects.toEqual(refused('ttlSeconds'))
})

/** A pull from places whose messages, and failures, a test decides. */
function placesPull(names: string[], more: Partial<PlacesPull<unknown>> = {}) {
  const machine = new Machine(1e12)
  machine.random = () => 0
  const context = newContext(new MemoryStorage(machine), { runtime: machine })
  const places = new Places('mail-', true, 300_000)
  const now = { monotonic: 0, now: machine.wall, random: () => 0 }
  for (const name of names) places.arrived(name, 0, now)
  const asked: [string, number][] = []
  const answers: Record<string, object | Error> = {}
  const pull: PlacesPull<unknown> = {
    context,
    work: { name: 'mail-', places, control: new Control({ pk: 'mail-#work', sk: 'control' }) },
    limit: 3,
    isIdleLook: false,
    isUp: () => false,
    first: noneFound(),
    pullAt: async (pk, limit) => {
      asked.push([pk, limit])
      const answer = answers[pk] ?? { items: [] }
      delete answers[pk]
      if (answer instanceof Error) throw answer
      return { items: [], ...answer } as never
    },
    ...more,
  }
  const run = () => pullPlaces(pull)
  return { machine, places, asked, answers, run, work: pull.work }
}
const items = (count: number) => Array.from({ length: count }, (_, i) => ({ sk: String(i) }))

test('places are asked in turn until there are enough messages, each for what is still wanted', async () => {
  const { places, asked, answers, run } = placesPull(['a', 'b', 'c'])
  Object.assign(answers, { a: { items: items(1) }, b: { items: items(2) } })
  expect((await run()).items).toHaveLength(3)
  expect(asked).toEqual([
    ['a', 3],
    ['b', 2],
  ])
  // Whoever gave all that was asked for may have more; whoever gave fewer has not.
  expect(places.awake().map(({ pk }) => pk)).toEqual(['c', 'b'])
})

test('nothing is asked where what comes from elsewhere is enough', async () => {
  const first = { ...noneFound<unknown>(), items: items(3) as never, nextDue: 7 }
  const { asked, run } = placesPull(['a'], { first })
  expect(await run()).toMatchObject({ items: items(3), nextDue: 7 })
  expect(asked).toEqual([])
})

test('messages in hand are handed out when it is time, with what is missing', async () => {
  let isUp = false
  const { asked, answers, run } = placesPull(['a', 'b'], { isUp: () => isUp })
  answers.a = { items: items(1), missed: 2 }
  isUp = true
  expect(await run()).toMatchObject({ items: items(1), missed: 2 })
  expect(asked).toEqual([['a', 3]])
})

test('a place that cannot be asked keeps back no other, and is told where nothing was found', async () => {
  const failure = new Error('throttled')
  const { places, answers, run } = placesPull(['a', 'b'])
  Object.assign(answers, { a: failure, b: { items: items(1) } })
  expect((await run()).items).toHaveLength(1)
  expect(places.get('a')!.isAwake).toBe(true)
  const alone = placesPull(['a'])
  alone.answers.a = failure
  await expect(alone.run()).rejects.toBe(failure)
  const wrong = placesPull(['a', 'b'])
  wrong.answers.a = new InvalidInput('pk', 'wrong')
  await expect(wrong.run()).rejects.toThrow(InvalidInput)
})

test('dead letters are told beside a failure, and one that is paused ends the pull', async () => {
  const { asked, answers, run } = placesPull(['a', 'b', 'c'])
  Object.assign(answers, { a: new Error('throttled'), b: { dead: items(1), paused: true, nextDue: 5 } })
  expect(await run()).toMatchObject({ items: [], dead: items(1), isPaused: true })
  expect(asked.map(([pk]) => pk)).toEqual(['a', 'b'])
})

test('a queue that is paused is not asked at all', async () => {
  const { machine, asked, run, work } = placesPull(['a'])
  work.control.note({ pk: 'mail-#work', sk: 'control', paused: machine.wall + 9 }, machine.mono)
  work.places.readAt = work.places.strongAt = machine.mono
  work.places.readBytes = 1e9
  expect(await run()).toMatchObject({ isPaused: true, nextDue: machine.wall + 9 })
  expect(asked).toEqual([])
})

test('what is due by now is asked without a look, and says when the next is', async () => {
  const { machine, places, asked, answers, run } = placesPull([])
  places.arrived('later', machine.wall + 1000, { monotonic: 0, now: machine.wall, random: () => 0 })
  places.get('later')!.wasEmpty(0, machine.wall + 1000)
  // The reading of pointers finds none: what is not awake is forgotten, unless it is due.
  machine.pass(1000)
  answers.later = { items: items(1), nextDue: machine.wall + 70 }
  const found = await run()
  expect([found.items.length, asked, found.nextDue]).toEqual([1, [['later', 3]], machine.wall + 70])
})
