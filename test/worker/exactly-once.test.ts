import { exactlyOnce, QueueWorker, type QueueWorkerEvent, queueLambda } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('exactly-once handlers', ({ open, pk }) => {
  const count = (db: ReturnType<typeof open>, queue: string) =>
    exactlyOnce<number>(
      db,
      async (tx, item) => {
        await tx.update({ pk: queue, sk: '~sum' }, { add: { sum: item.data, count: 1 } })
        tx.queuePush({ pk: `${queue}-out`, data: item.data })
      },
      { attempts: 100, baseMs: 2, maxMs: 20 },
    )

  it('in a worker: each message takes effect once, also when the handler fails in between', async () => {
    const queue = pk()
    const db = open()
    await db.queuePush(Array.from({ length: 12 }, (_, i) => ({ pk: queue, data: i })))
    const handler = count(db, queue)
    const events: QueueWorkerEvent[] = []
    let failures = 3
    const worker = new QueueWorker<number>(
      db,
      async (item, context) => {
        if (failures-- > 0) throw new Error('flaky')
        return handler(item, context)
      },
      {
        pk: queue,
        concurrency: 3,
        backoff: { baseSeconds: 0 },
        idleMs: [5, 20],
        onEvent: (event) => events.push(event),
      },
    )
    await expect.poll(() => events.filter(({ type }) => type === 'done').length, { timeout: 15_000 }).toBe(12)
    await worker.stop()
    expect((await db.get({ pk: queue, sk: '~sum' }))?.data).toEqual({ sum: 66, count: 12 })
    expect((await db.queueStats(`${queue}-out`)).ready).toBe(12)
    expect(await db.queueStats(queue)).toMatchObject({ ready: 0, inFlight: 0 })
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(3)
  })

  it('in a Lambda', async () => {
    const queue = pk()
    const db = open()
    await db.queuePush([1, 2, 3].map((data) => ({ pk: queue, data })))
    const drain = queueLambda<number>(db, count(db, queue), { pk: queue, concurrency: 2 })
    expect(await drain({}, { getRemainingTimeInMillis: () => 60_000 })).toEqual({ handled: 3, empty: true })
    expect((await db.get({ pk: queue, sk: '~sum' }))?.data).toEqual({ sum: 6, count: 3 })
  })
})
