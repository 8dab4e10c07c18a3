import { setMaxListeners } from 'node:events'
import { collection, typed } from '../../collections/index.ts'
import { Liveness, Mutex, ReadWriteLock, Semaphore } from '../../coordination/index.ts'
import type { AtomicDbInterface } from '../../interface.ts'
import { lockKey } from '../../model/key-names.ts'
import { Scheduler, schedule } from '../../schedules/index.ts'
import { consume, transaction } from '../../transactions/index.ts'

const products = ['boots', 'sandals', 'sneakers', 'slippers', 'clogs']
const customers = ['ann', 'bob', 'cleo', 'dan', 'eve', 'finn']
const handlers = 4

interface Product {
  left: number
  price: number
}

interface OrderJob {
  order: string
  product: string
  quantity: number
  customer: string
}

interface Customer {
  id: string
  name: string
  city: string
}

const customersOf = (db: AtomicDbInterface) =>
  collection(db, 'customers', {
    schema: typed<Customer>(),
    key: 'id',
    indexes: { city: { key: 'city', sort: 'name' } },
  })

const stockKey = (product: string) => ({ pk: 'stock', sk: product })

/**
 * Customers order, handlers place the orders with optimistic transactions that collide on the same product, workers
 * ship and mail, some of it fails; mutexes, permits and read-write locks are held, with live processes.
 */
export class Traffic {
  readonly #db: AtomicDbInterface
  readonly #stop = new AbortController()
  readonly #loops: Promise<void>[] = []
  readonly #people: ReturnType<typeof customersOf>
  #orders = 0
  #scheduler: Scheduler | undefined

  constructor(db: AtomicDbInterface) {
    this.#db = db
    this.#people = customersOf(db)
  }

  get collections(): { name: string; describe(): string }[] {
    return [this.#people]
  }

  /** Fills the shop, then goes on by itself. */
  async start(): Promise<void> {
    // Each wait of each loop follows it.
    setMaxListeners(0, this.#stop.signal)
    await this.#fill()
    for (let i = 0; i < handlers; i++) this.#loop(800, () => this.#place())
    for (let i = 0; i < 3; i++) this.#loop(120, () => this.#ship())
    this.#loop(800, () => this.#mail())
    this.#loop(200, () => this.#holdStock('inventory run'))
    this.#loop(500, () => this.#holdStock('price update'))
    for (let i = 0; i < 3; i++) this.#loop(900, () => this.#readReport())
    for (let i = 0; i < 4; i++) this.#loop(700, () => this.#callCarrier())
    this.#scheduler = new Scheduler(this.#db, { lookMs: 2000 })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#scheduler?.stop()
    await Promise.all(this.#loops)
  }

  async #fill(): Promise<void> {
    const db = this.#db
    await db.set(
      products.map((product, i) => ({ ...stockKey(product), data: { left: 500 + i, price: 20 + 5 * i } })),
    )
    for (const [i, name] of customers.entries())
      await this.#people.put({ id: `c${i + 1}`, name, city: ['Basel', 'Bern', 'Zug'][i % 3]! })
    await db.getLock(lockKey(stockKey('boots')))
    await db.set({
      pk: 'sessions',
      sk: 'ann',
      data: { cart: ['boots', 'clogs'], since: db.runtime.now() },
      ttl: Math.floor(db.runtime.now() / 1000) + 3600,
    })
    const message = { pk: 'mails', data: { kind: 'daily report' } }
    await schedule(db, { name: 'daily-report', cron: '0 6 * * *', timezone: 'Europe/Berlin' }, message)
    await schedule(db, { name: 'restock-check', everyMs: 15_000 }, { pk: 'mails', data: { kind: 'restock' } })
    await db.queuePush(
      Array.from({ length: 40 }, (_, i) => ({
        pk: 'mails',
        data: { kind: 'newsletter', to: `${customers[i % customers.length]}@example.com` },
        delaySeconds: i % 3 === 0 ? 600 : 0,
      })),
    )
    await db.queuePush(
      Array.from({ length: 60 }, () => this.#job()).map((data) => ({
        pk: 'shipping',
        data,
        group: data.customer,
      })),
    )
  }

  /** Repeats a step, at times that vary by half, until it is stopped. What fails is part of the show. */
  #loop(meanMs: number, step: () => Promise<unknown>): void {
    const { runtime } = this.#db
    const { signal } = this.#stop
    const run = async () => {
      while (!signal.aborted) {
        const pause = meanMs * (0.5 + runtime.random())
        await runtime.sleep(pause, { signal, unref: true }).catch(() => {})
        if (!signal.aborted) await step().catch(() => {})
      }
    }
    this.#loops.push(run())
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#db.runtime.random() * list.length)]!
  }

  #job(): OrderJob {
    const order = `o-${String(++this.#orders).padStart(5, '0')}`
    const quantity = 1 + Math.floor(this.#db.runtime.random() * 3)
    return { order, product: this.#pick(products), quantity, customer: this.#pick(customers) }
  }

  async #place(): Promise<void> {
    const job = this.#job()
    await transaction(
      this.#db,
      async (tx) => {
        const product = await tx.get<Product>(stockKey(job.product))
        // A handler thinks for a moment: long enough for others to sell the same pair.
        await this.#db.runtime.sleep(20 + 80 * this.#db.runtime.random())
        const left = (product?.data.left ?? 0) - job.quantity
        if (left < 0) return
        tx.set({ ...stockKey(job.product), data: { left, price: product!.data.price } })
        tx.set({ pk: 'orders', sk: job.order, data: { ...job, state: 'accepted' } })
        tx.queuePush({ pk: 'shipping', data: job, group: job.customer })
      },
      { attempts: 20, baseMs: 10, maxMs: 200 },
    )
  }

  async #ship(): Promise<void> {
    const { item } = await this.#db.queuePull<OrderJob>({ pk: 'shipping', ttlSeconds: 30, maxReceives: 3 })
    if (!item) return
    await this.#db.runtime.sleep(150 + 500 * this.#db.runtime.random())
    // The carrier has no clogs on its list, and loses a parcel now and then.
    const fails = item.data.product === 'clogs' || this.#db.runtime.random() < 0.05
    if (fails) return this.#db.queueRelease(item, { reason: `the carrier refuses ${item.data.product}` })
    await consume(this.#db, item, (tx) => {
      tx.set({ pk: 'parcels', sk: item.data.order, data: { ...item.data, weight: 900 } })
    })
  }

  async #mail(): Promise<void> {
    const { item } = await this.#db.queuePull({ pk: 'mails', ttlSeconds: 20 })
    if (!item) return
    await this.#db.runtime.sleep(300)
    await this.#db.queueAcknowledge(item)
  }

  async #holdStock(label: string): Promise<void> {
    const db = this.#db
    await using liveness = await new Liveness(db, { heartbeatMs: 2000 }).start()
    const mutex = new Mutex(db, { pk: 'locks', sk: 'stock' }, { ttlMs: 15_000, label, fair: true, liveness })
    const { signal } = this.#stop
    await mutex.run(
      async () => db.runtime.sleep(4000 + 4000 * db.runtime.random(), { signal, unref: true }),
      { signal },
    )
  }

  async #readReport(): Promise<void> {
    const db = this.#db
    const lock = new ReadWriteLock(db, { pk: 'locks', sk: 'report' }, { ttlMs: 10_000 })
    await using lease = await (db.runtime.random() < 0.2
      ? lock.acquireWrite({ timeoutMs: 3000 })
      : lock.acquireRead({ timeoutMs: 3000 }))
    await db.runtime.sleep(1500 * db.runtime.random(), { signal: lease.signal, unref: true })
  }

  async #callCarrier(): Promise<void> {
    const db = this.#db
    const permits = new Semaphore(db, { pk: 'locks', sk: 'carrier-api' }, { permits: 3, ttlMs: 8000 })
    await using lease = await permits.acquire({ timeoutMs: 3000 })
    await db.runtime.sleep(2500 * db.runtime.random(), { signal: lease.signal, unref: true })
  }
}
