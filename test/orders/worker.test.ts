import { randomUUID } from 'node:crypto'
import type { AtomicDbInterface } from 'lockrow'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { audit } from '../../examples/orders/run/audit.ts'
import { lambdaContext, scheduleEvent, streamEvent } from '../../examples/orders/run/events.ts'
import { type Order, OUTBOX, orderKey } from '../../examples/orders/shop.ts'
import { workerHandler } from '../../examples/orders/worker.ts'
import { onBothBackends } from '../setup/backends.ts'
import { but, emptyOutbox, logged, place, setStock } from './helpers.ts'

const context = (remainingMs = 30_000) => lambdaContext('worker', remainingMs)

onBothBackends('the worker of orders', ({ open }) => {
  let db: AtomicDbInterface
  let product = ''
  beforeEach(async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    db = open()
    product = `p-${randomUUID()}`
    await setStock(db, product, 100)
    await emptyOutbox(db)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /** Places `count` orders and returns their ids. */
  async function placed(count: number): Promise<Set<string>> {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => place(db, { product, quantity: 1, customer: `c${i}` })),
    )
    return new Set(answers.map(({ body }) => body.id!))
  }
  const wrong = async (ids: Set<string>) =>
    (await audit(db, { [product]: 100 }, ids)).filter(({ ok }) => !ok).map(({ what }) => what)

  it('ships every order once, woken by inserts', async () => {
    const ids = await placed(12)
    const messages = await db.queuePeek({ pk: OUTBOX, limit: 50 })
    expect(await workerHandler(db)(streamEvent(messages), context())).toEqual({ handled: 12, empty: true })
    expect(await wrong(ids)).toEqual([])
    // The same wake-up once more, as streams may send it.
    expect(await workerHandler(db)(streamEvent(messages), context())).toEqual({ handled: 0, empty: true })
    expect(await wrong(ids)).toEqual([])
  })

  it('ships once when several workers run at the same time', async () => {
    const ids = await placed(15)
    const runs = await Promise.all([1, 2, 3].map(() => workerHandler(db)(scheduleEvent(OUTBOX), context())))
    expect(runs.reduce((sum, { handled }) => sum + handled, 0)).toBe(15)
    expect(await wrong(ids)).toEqual([])
  })

  it('commits nothing with a claim that ran out while the process was frozen', async () => {
    const ids = await placed(1)
    const other = workerHandler(db)
    let frozen = false
    let thaw = () => {}
    const thawed = new Promise<void>((resolve) => (thaw = resolve))
    let pulls = 0
    const slow = but(db, {
      // A frozen process does not look for more either.
      queuePullMany: async (asked) => {
        if (pulls++ > 0) await thawed
        return db.queuePullMany(asked) as never
      },
      transact: async (...args) => {
        if (!frozen) {
          frozen = true
          const [message] = await db.queuePeek({ pk: OUTBOX })
          await db.queueRelease({ pk: OUTBOX, sk: message!.sk })
          expect(await other(scheduleEvent(OUTBOX), context())).toEqual({ handled: 1, empty: true })
          thaw()
        }
        return db.transact(...args)
      },
    })
    const lines = await logged(async () => {
      expect(await workerHandler(slow)(scheduleEvent(OUTBOX), context())).toEqual({ handled: 0, empty: true })
    })
    expect(frozen).toBe(true)
    expect(lines.map(({ event }) => event)).toContain('message lost')
    expect(await wrong(ids)).toEqual([])
  })

  it('says when there is no time to handle anything, and ends in time with work in hand', async () => {
    const ids = await placed(3)
    await expect(workerHandler(db)(scheduleEvent(OUTBOX), context(4000))).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'reserveMs',
    })
    expect((await db.queueStats(OUTBOX)).ready).toBe(3)
    const hangs = but(db, {
      get: () => new Promise<never>(() => {}),
      getMany: () => new Promise<never>(() => {}),
    })
    const started = performance.now()
    const cut = await workerHandler(hangs)(scheduleEvent(OUTBOX), context(5200))
    expect(cut).toEqual({ handled: 0, empty: false })
    expect(performance.now() - started).toBeLessThan(4000)
    // Given back at once, for the next run.
    expect((await db.queueStats(OUTBOX)).ready).toBe(3)
    expect(await workerHandler(db)(scheduleEvent(OUTBOX), context())).toEqual({ handled: 3, empty: true })
    expect(await wrong(ids)).toEqual([])
  })

  it('tells of a message that fails, without its content, and lets it come again', async () => {
    await db.queuePush({ pk: OUTBOX, data: { order: 'secret' } })
    const lines = await logged(() => workerHandler(db)(scheduleEvent(OUTBOX), context(5500)))
    expect(lines[0]).toMatchObject({
      level: 'warn',
      event: 'message retry',
      receiveCount: 1,
      error: 'Error',
    })
    expect(JSON.stringify(lines)).not.toContain('secret')
    const { ready, delayed, dead } = await db.queueStats(OUTBOX)
    expect(ready + delayed + dead).toBe(1)
  })

  it('reports the queue on scheduled runs only', async () => {
    const worker = workerHandler(db, { table: 'shop' })
    const metrics = (lines: Record<string, unknown>[]) => lines.filter((line) => '_aws' in line)
    const scheduled = await logged(() => worker(scheduleEvent(OUTBOX), context()))
    expect(metrics(scheduled)).toMatchObject([{ table: 'shop', queue: OUTBOX, Ready: 0, InFlight: 0 }])
    expect(metrics(await logged(() => worker(streamEvent([]), context())))).toEqual([])
    const blind = workerHandler(but(db, { queueStats: () => Promise.reject(new Error('no')) }), {
      table: 't',
    })
    const lines = await logged(() => blind(scheduleEvent(OUTBOX), context()))
    expect(lines.at(-1)).toMatchObject({ level: 'warn', event: 'metrics', error: 'Error' })
  })

  it('the audit finds what is wrong', async () => {
    const ids = await placed(2)
    const [id] = [...ids] as [string]
    expect(await wrong(ids)).toEqual([
      'shipped exactly once: 0 of 2',
      'outbox: 2 messages left, 0 dead letters',
    ])
    await workerHandler(db)(scheduleEvent(OUTBOX), context())
    await db.set({ pk: orderKey(id).pk, sk: 'shipment#again', data: { tracking: 'again' } })
    await setStock(db, product, 99)
    expect(await wrong(ids)).toEqual([
      `${product}: 99 left + 2 sold = 100 at first`,
      'shipped exactly once: 1 of 2',
    ])
    await db.delete(orderKey(id))
    expect(await wrong(ids)).toContain('every order that was confirmed is there (2)')
    expect((await db.get<Order>(orderKey(id)))?.data).toBeUndefined()
  })
})
