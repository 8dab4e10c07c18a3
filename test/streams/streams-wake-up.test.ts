import { AtomicMemoryDb, InvalidInput, QueueWorker } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { type StreamsEvent, type StreamsWakeUpOptions, streamsWakeUp } from 'lockrow/streams'
import { describe, expect, test } from 'vitest'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { FakeStreams } from './fake-streams.ts'

/** Processes in simulated time that listen to one stream. */
function setUp(streams: FakeStreams, options: Partial<StreamsWakeUpOptions> = {}) {
  const world = new Simulation({ seed: 5 })
  const server = new SimulatedServer(world, { latencyMs: [1, 4] })
  const join = (client = streams) => {
    const process = world.process()
    const db = new AtomicEngine(server.connect(process), { runtime: process })
    const events: StreamsEvent[] = []
    const onEvent = (event: StreamsEvent) => events.push(event)
    const wakeUp = streamsWakeUp(db, client, { tableName: 'app', onEvent, ...options })
    const wakes: string[] = []
    const listen = (pk: string, isFamily?: true) =>
      wakeUp(() => wakes.push(pk), { pk, ...(isFamily && { isFamily }) }) as () => void
    const types = () => events.map(({ type }) => type)
    return { process, db, wakeUp, wakes, events, types, listen }
  }
  /** With one process that listens to `jobs`, and has been woken for what was there before. */
  const alone = (work: (one: ReturnType<typeof join>) => Promise<void>) =>
    world.run(async () => {
      const one = join()
      const end = one.listen('jobs')
      await one.process.sleep(1000)
      one.wakes.length = 0
      await work(one)
      end()
    })
  return { world, join, alone }
}

describe('streamsWakeUp', () => {
  test('wakes by what appears, not by what was claimed', async () => {
    const streams = new FakeStreams('a', 'b', 'c')
    const { world, join } = setUp(streams)
    await world.run(async () => {
      const one = join()
      const leave = [one.listen('jobs'), one.listen('mails')]
      await one.process.sleep(1000)
      // Once for all that was pushed before it began to read.
      expect(one.wakes.splice(0)).toEqual(['jobs', 'mails'])
      const woken = async (add: () => void) => {
        add()
        await one.process.sleep(600)
        return one.wakes.splice(0)
      }
      expect(await woken(() => streams.add('b', 'jobs'))).toEqual(['jobs'])
      for (const pk of ['jobs#shard12', 'jobs#scheduled'])
        expect(await woken(() => streams.add('c', pk))).toEqual(['jobs'])
      for (const pk of ['other', 'jobs#dead', 'jobs#payload#1'])
        expect(await woken(() => streams.add('a', pk))).toEqual([])
      const modified = (image: object, sk = 'm') =>
        woken(() => streams.add('a', 'jobs', { eventName: 'MODIFY', sk, image }))
      expect(await modified({ n: { N: '1' }, r: { S: 'receipt' } })).toEqual([])
      expect(await modified({ n: { N: '1' } })).toEqual(['jobs'])
      expect(await modified({}, '~control')).toEqual(['jobs'])
      // Pushed and claimed between two readings.
      const pushedAndClaimed = await woken(() => {
        streams.add('a', 'jobs', { sk: 'x' })
        streams.add('a', 'jobs', { eventName: 'MODIFY', sk: 'x', image: { n: {}, r: {} } })
        streams.add('a', 'jobs', { sk: 'y' })
        streams.add('a', 'jobs', { eventName: 'REMOVE', sk: 'y' })
      })
      expect(pushedAndClaimed).toEqual([])
      for (const end of leave) end()
      // The beginning of the names of queues; a queue of that name is another matter.
      const end = one.listen('tenants/', true)
      const leaveQueue = one.listen('tenants')
      await one.process.sleep(1000)
      one.wakes.length = 0
      expect(await woken(() => streams.add('a', 'tenants/7'))).toEqual(['tenants/'])
      expect(await woken(() => streams.add('a', 'tenants/7#shard3'))).toEqual(['tenants/'])
      for (const pk of ['tenants/#work', 'tenants/', 'tenant'])
        expect(await woken(() => streams.add('a', pk))).toEqual([])
      expect(await woken(() => streams.add('a', 'tenants'))).toEqual(['tenants'])
      end()
      leaveQueue()
    })
  })

  test('follows a shard to its children, and reads these from their first record', async () => {
    const streams = new FakeStreams('a')
    const { alone } = setUp(streams)
    await alone(async (one) => {
      streams.split('a', 'b', 'c', 'd')
      streams.add('c', 'jobs')
      await one.process.sleep(3000)
      expect(one.wakes.splice(0)).toEqual(['jobs'])
      streams.split('d', 'e')
      await one.process.sleep(3000)
      streams.add('e', 'jobs')
      await one.process.sleep(600)
      expect(one.wakes.splice(0)).toEqual(['jobs'])
      expect(one.types()).toEqual(['reading'])
    })
  })

  test('an iterator that expired is made anew behind the last record; without one, all are woken', async () => {
    const streams = new FakeStreams('a')
    const { alone } = setUp(streams)
    await alone(async (one) => {
      streams.generation++
      await one.process.sleep(1000)
      expect(one.wakes.splice(0)).toEqual(['jobs'])
      streams.add('a', 'other')
      await one.process.sleep(1000)
      streams.generation++
      streams.add('a', 'jobs')
      await one.process.sleep(1000)
      expect(one.wakes.splice(0)).toEqual(['jobs'])
      expect(one.types()).toEqual(['reading'])
    })
  })

  test('throttled, it reads on less often', async () => {
    const streams = new FakeStreams('a')
    const { alone } = setUp(streams)
    await alone(async (one) => {
      streams.fails = () => 'LimitExceededException'
      const before = streams.asked.getRecords
      await one.process.sleep(60_000)
      expect(streams.asked.getRecords - before).toBeLessThan(20)
      expect(one.types().slice(0, 2)).toEqual(['reading', 'error'])
      expect(one.types()).not.toContain('resting')
      streams.fails = () => undefined
      await one.process.sleep(11_000)
      one.wakes.length = 0
      streams.add('a', 'jobs')
      await one.process.sleep(1000)
      expect(one.wakes).toEqual(['jobs'])
    })
  })

  test('where its credentials are lost, another process reads', async () => {
    const streams = new FakeStreams('a')
    const { join, alone } = setUp(streams, { readers: 1 })
    await alone(async (one) => {
      const theirs = new FakeStreams()
      theirs.shards.push(...streams.shards)
      const two = join(theirs)
      const endTwo = two.listen('jobs')
      await two.process.sleep(10_000)
      expect(two.types()).toEqual([])
      streams.fails = () => 'ExpiredTokenException'
      await two.process.sleep(120_000)
      expect(one.types()).toContain('resting')
      expect(two.types()).toEqual(['reading'])
      two.wakes.length = 0
      theirs.add('a', 'jobs')
      await two.process.sleep(1000)
      expect(two.wakes).toEqual(['jobs'])
      endTwo()
    })
  })

  test.each([1, 2])('of five processes %s read, and a crashed one is replaced', async (readers) => {
    const { world, join } = setUp(new FakeStreams('a', 'b'), { readers })
    await world.run(async () => {
      const all = Array.from({ length: 5 }, () => join())
      const ends = all.map((one) => one.listen('jobs'))
      const { process } = join()
      const reading = () => all.filter((one) => !one.process.crashed && one.types().at(-1) === 'reading')
      await process.sleep(60_000)
      expect(reading()).toHaveLength(readers)
      reading()[0]!.process.crash()
      await process.sleep(120_000)
      expect(reading()).toHaveLength(readers)
      for (const end of ends) end()
    })
  })

  test('reads while somebody listens: the last one who leaves ends it, at once', async () => {
    const streams = new FakeStreams('a')
    const { world, join } = setUp(streams, { readers: 1 })
    await world.run(async () => {
      const [one, two] = [join(), join()]
      const [first, second] = [one.listen('jobs'), one.listen('mails')]
      await one.process.sleep(1000)
      first()
      await one.process.sleep(1000)
      expect(one.types()).toEqual(['reading'])
      second()
      await one.process.sleep(100)
      expect(one.types()).toEqual(['reading', 'resting'])
      const asked = streams.asked.getRecords
      await one.process.sleep(10_000)
      expect(streams.asked.getRecords).toBe(asked)
      // Its place is free at once.
      const end = two.listen('jobs')
      await two.process.sleep(1000)
      expect(two.types()).toEqual(['reading'])
      end()
    })
  })

  test('a stream that is switched off ends the reading; the next one of the table is looked for', async () => {
    const streams = new FakeStreams('a')
    const { alone } = setUp(streams)
    await alone(async (one) => {
      streams.split('a')
      await one.process.sleep(120_000)
      expect(one.types().slice(0, 2)).toEqual(['reading', 'resting'])
      expect(streams.asked.listStreams).toBeGreaterThan(2)
    })
  })

  test('a worker takes what another process pushed within a second, while its looks are a minute apart', async () => {
    const streams = new FakeStreams('a')
    const { world, join } = setUp(streams)
    await world.run(async () => {
      const [one, two] = [join(), join()]
      const waits: number[] = []
      const worker = new QueueWorker<number>(one.db, (item) => waits.push(one.process.now() - item.data), {
        pk: 'jobs',
        idleMs: [60_000, 60_000],
        wakeUp: one.wakeUp,
      })
      await two.process.sleep(5000)
      for (let i = 0; i < 100; i++) {
        await two.db.queuePush({ pk: 'jobs', data: two.process.now() })
        streams.add('a', 'jobs')
        await two.process.sleep(500 + 10 * i)
      }
      await worker.stop()
      expect(waits).toHaveLength(100)
      expect(waits.toSorted((a, b) => a - b)[98]).toBeLessThan(1000)
      // Its end ends the reading.
      await two.process.sleep(100)
      expect(one.types().at(-1)).toBe('resting')
    })
  })

  test('a wake-up of the user that throws leaves the worker with its looks', async () => {
    const { world, join } = setUp(new FakeStreams('a'))
    await world.run(async () => {
      const { db, process } = join()
      const seen: unknown[] = []
      const errors: unknown[] = []
      const wakeUp = () => {
        throw new Error('no connection')
      }
      await using _worker = new QueueWorker(db, (item) => seen.push(item.data), {
        pk: 'jobs',
        wakeUp,
        onEvent: (event) => event.type === 'error' && errors.push(event.error),
      })
      await db.queuePush({ pk: 'jobs', data: 1 })
      await process.sleep(10_000)
      expect(seen).toEqual([1])
      expect(errors).toMatchObject([{ message: 'no connection' }])
    })
  })

  test('bad input is refused', () => {
    const db = new AtomicMemoryDb()
    const streams = new FakeStreams('a')
    for (const options of [
      undefined,
      {},
      { tableName: '' },
      { tableName: 'a', streamArn: 'b' },
      { tableName: 'a', readers: 3 },
      { tableName: 'a', readers: 0 },
      { tableName: 'a', pollMs: 0 },
      { tableName: 'a', poll: 5 },
      { tableName: 'a', onEvent: 5 },
    ])
      expect(() => streamsWakeUp(db, streams, options as never)).toThrow(InvalidInput)
    expect(() => streamsWakeUp(db, {} as never, { tableName: 'a' })).toThrow(/streams.listStreams/)
    expect(() => new QueueWorker(db, () => {}, { pk: 'q', wakeUp: 5 as never })).toThrow(/function/)
  })
})
