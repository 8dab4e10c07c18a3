import { AtomicMemoryDb, InvalidInput, type QueueMetrics, QueueMonitor, QueueWorker } from 'lockrow'
import { expect, test } from 'vitest'
import { Simulation } from '../../src/testing/sim/simulation.ts'

const table = 'app'

function world() {
  const simulation = new Simulation({ seed: 4 })
  const db = new AtomicMemoryDb({ runtime: simulation.process() })
  const readings: QueueMetrics[] = []
  const emit = (reading: QueueMetrics) => readings.push(reading)
  return { simulation, db, readings, emit }
}

test('reports at once, also where no worker ever runs, and then every minute', async () => {
  const { simulation, db, readings, emit } = world()
  await simulation.run(async () => {
    await db.queuePush([1, 2, 3].map((data) => ({ pk: 'jobs', data })))
    const monitor = new QueueMonitor(db, { table, pk: 'jobs', emit })
    await db.runtime.sleep(10)
    expect(readings).toMatchObject([{ table, queue: 'jobs', ready: 3, handled: 0, failed: 0, dead: 0 }])
    await db.runtime.sleep(180_000)
    expect(readings).toHaveLength(4)
    expect(readings.at(-1)).toMatchObject({ ready: 3, oldestAgeSeconds: 180 })
    await monitor.stop()
    await db.runtime.sleep(120_000)
    expect(readings).toHaveLength(4)
  })
})

test('counts what workers have handled and failed since the last reading', async () => {
  const { simulation, db, readings, emit } = world()
  await simulation.run(async () => {
    await using monitor = new QueueMonitor(db, { table, pk: 'jobs', everyMs: 10_000, emit })
    const handler = ({ data }: { data: number }) => {
      if (data === 2) throw new Error('no')
    }
    const worker = new QueueWorker<number>(db, handler, {
      pk: 'jobs',
      maxReceives: 2,
      backoff: () => 1,
      onEvent: monitor.onEvent,
    })
    await db.runtime.sleep(1000)
    await db.queuePush([1, 2, 3].map((data) => ({ pk: 'jobs', data })))
    await db.runtime.sleep(30_000)
    await worker.stop()
    expect(readings.map(({ handled, failed, dead }) => [handled, failed, dead])).toEqual([
      [0, 0, 0],
      [2, 2, 1],
      [0, 0, 1],
      [0, 0, 1],
    ])
  })
})

test('a reading that fails is told, loses no count, and is followed by others', async () => {
  const { simulation, db, readings } = world()
  await simulation.run(async () => {
    const errors: unknown[] = []
    let isDown = true
    const emit = (reading: QueueMetrics) => {
      if (isDown) throw new Error('no log')
      readings.push(reading)
    }
    const onError = (error: unknown) => {
      errors.push(error)
      throw error
    }
    await using monitor = new QueueMonitor(db, { table, pk: 'jobs', everyMs: 1000, emit, onError })
    monitor.onEvent({ type: 'done', item: {} as never })
    await db.runtime.sleep(1500)
    isDown = false
    await db.runtime.sleep(2000)
    expect(errors).toHaveLength(2)
    expect(readings.map(({ handled }) => handled)).toEqual([1, 0])
  })
})

test('a family, shards, and dead letters elsewhere', async () => {
  const { simulation, db, readings, emit } = world()
  await simulation.run(async () => {
    const [a, b] = ['a', 'b'].map((name) => ({ pk: `mails/${name}`, family: 'mails/' }))
    await db.queuePush([a!, b!])
    await db.queuePush(
      [1, 2, 3].map((data) => ({ pk: 'jobs', data })),
      { shards: 2 },
    )
    const monitors = [
      new QueueMonitor(db, { table, family: 'mails/', emit }),
      new QueueMonitor(db, { table, pk: 'jobs', shards: 2, deadLetter: 'graves', emit }),
    ]
    await db.runtime.sleep(100)
    for (const monitor of monitors) await monitor.stop()
    const byName = new Map(readings.map((reading) => [reading.queue, reading.ready]))
    expect(byName).toEqual(
      new Map([
        ['mails/', 2],
        ['jobs', 3],
      ]),
    )
  })
})

test('without an emit of its own it prints a line for CloudWatch', async () => {
  const lines: string[] = []
  const write = process.stdout.write
  process.stdout.write = ((line: string) => lines.push(line)) as never
  try {
    const monitor = new QueueMonitor(new AtomicMemoryDb(), { table, pk: 'jobs' })
    await expect.poll(() => lines.length).toBe(1)
    await monitor.stop()
  } finally {
    process.stdout.write = write
  }
  expect(JSON.parse(lines[0]!)).toMatchObject({ table, queue: 'jobs', Ready: 0, Handled: 0, Failed: 0 })
})

test('bad input is refused', () => {
  const db = new AtomicMemoryDb()
  const pk = 'jobs'
  for (const wrong of [
    undefined,
    {},
    { pk },
    { table },
    { table, pk: '' },
    { table, pk, family: 'jobs/' },
    { table, family: '' },
    { table, family: 'jobs/', shards: 2 },
    { table, pk, shards: 0 },
    { table, pk, everyMs: 10 },
    { table, pk, limit: 0 },
    { table, pk, deadLetter: '' },
    { table, pk, emit: 5 },
    { table, pk, onError: 5 },
    { table, pk, every: 5 },
  ])
    expect(() => new QueueMonitor(db, wrong as never)).toThrow(InvalidInput)
  expect(() => new QueueMonitor({} as never, { table, pk })).toThrow(/database/)
})
