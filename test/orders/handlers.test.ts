import { randomUUID } from 'node:crypto'
import { type AtomicDbInterface, BackendError } from 'lockrow'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import { readHandler } from '../../examples/orders/read.ts'
import { getOrder, getStock, postOrder } from '../../examples/orders/run/events.ts'
import { OUTBOX, orderKey } from '../../examples/orders/shop.ts'
import { onBothBackends } from '../setup/backends.ts'
import { but, call, emptyOutbox, logged, place, setStock, stockOf } from './helpers.ts'

onBothBackends('the API of orders', ({ open }) => {
  let db: AtomicDbInterface
  let product = ''
  // A customer of this test alone, as keys belong to customers.
  const order = (quantity = 1, name = 'ann') => ({ product, quantity, customer: `${name} ${product}` })
  beforeEach(async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    db = open()
    product = `p-${randomUUID()}`
    await setStock(db, product, 10)
    await emptyOutbox(db)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('takes stock, writes the order and sends the message, all together', async () => {
    const { status, body, headers } = await place(db, order(3))
    expect(status).toBe(201)
    expect(body).toEqual({ id: body.id, ...order(3), state: 'placed' })
    expect(headers).toMatchObject({ 'content-type': 'application/json', location: `/orders/${body.id}` })
    expect(await stockOf(db, product)).toBe(7)
    expect((await db.get(orderKey(body.id!)))?.data).toEqual({ ...order(3), state: 'placed' })
    expect((await db.queuePeek({ pk: OUTBOX })).map(({ data }) => data)).toEqual([{ order: body.id }])
  })

  it('answers a repeat with the same order, also when nothing is left, and however it is repeated', async () => {
    const first = await place(db, order(10), 'k')
    const again = await place(db, order(10), 'k')
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.body).toEqual(first.body)
    expect(await stockOf(db, product)).toBe(0)
    await setStock(db, product, 10)
    const twins = await Promise.all([1, 2, 3, 4, 5].map(() => place(db, order(2), 'twins')))
    expect(new Set(twins.map(({ body }) => body.id)).size).toBe(1)
    for (const { status } of twins) expect([200, 201]).toContain(status)
    expect(await stockOf(db, product)).toBe(8)
    expect(await db.queuePeek({ pk: OUTBOX })).toHaveLength(2)
  })

  it('tells a reused key from a repeat, and customers apart', async () => {
    const first = await place(db, order(1), 'k')
    const other = await place(db, order(2), 'k')
    expect(first.status).toBe(201)
    expect([other.status, other.body.error?.code]).toEqual([422, 'KeyReused'])
    const bob = await place(db, order(1, 'bob'), 'k')
    expect(bob.status).toBe(201)
    expect(bob.body.id).not.toBe(first.body.id)
    expect(await stockOf(db, product)).toBe(8)
  })

  it('sells the last pieces once, whoever comes at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, (_, i) => place(db, order(1, `c${i}`))))
    const count = (status: number) => answers.filter((answer) => answer.status === status).length
    expect([count(201), count(409)]).toEqual([10, 15])
    expect(await stockOf(db, product)).toBe(0)
    expect(await db.queuePeek({ pk: OUTBOX, limit: 50 })).toHaveLength(10)
  })

  it('refuses what is not there, says how much is left, and writes nothing', async () => {
    const { status, body } = await place(db, order(11))
    expect(status).toBe(409)
    expect(body.error).toMatchObject({ code: 'OutOfStock', left: 10, requestId: expect.any(String) })
    const unknown = await place(db, { ...order(), product: 'nothing' })
    expect([unknown.status, unknown.body.error?.code]).toEqual([400, 'UnknownProduct'])
    expect(await stockOf(db, product)).toBe(10)
    expect(await db.queuePeek({ pk: OUTBOX })).toEqual([])
  })

  it.each<[string, unknown, string?]>([
    ['body: is not JSON', '{secret'],
    ['body: must be an object', 'null'],
    ['body: at most 10000 characters', 'x'.repeat(10_001)],
    ['product: ', { product: 'secret/1', quantity: 1, customer: 'a' }],
    ['quantity: ', { product: 'p', quantity: 0, customer: 'a' }],
    ['quantity: ', { product: 'p', quantity: '1', customer: 'a' }],
    ['customer: ', { product: 'p', quantity: 1, customer: '' }],
    ['customer: ', { product: 'p', quantity: 1, customer: 'secret\ud800' }],
    ['Idempotency-Key: ', { product: 'p', quantity: 1, customer: 'a' }, 'sec ret'],
    ['Idempotency-Key: ', { product: 'p', quantity: 1, customer: 'a' }, ''],
  ])('400 names the field and not what was in it: %s', async (message, body, key) => {
    const answer = await place(db, body, key)
    expect([answer.status, answer.body.error?.code]).toEqual([400, 'BadRequest'])
    expect(answer.body.error?.message).toContain(message)
    expect(answer.body.error?.message).not.toContain('sec')
  })

  it('reads a body in base64', async () => {
    const event = postOrder(order(1, 'änn'))
    const encoded = { ...event, isBase64Encoded: true, body: Buffer.from(event.body!).toString('base64') }
    const { status, body } = await call(apiHandler(db), encoded)
    expect([status, body.customer]).toEqual([201, `änn ${product}`])
  })

  it('reads orders and stock through a cache that lets go after its time', async () => {
    const { body } = await place(db, order(4))
    const read = readHandler(db, { maxAgeMs: 60 })
    expect(await call(read, getOrder(body.id!))).toMatchObject({ status: 200, body })
    expect((await call(read, getStock(product))).body).toEqual({ product, left: 6 })
    await setStock(db, product, 5)
    await expect.poll(async () => (await call(read, getStock(product))).body.left).toBe(5)
    for (const missing of [getOrder('0'.repeat(32)), getOrder('nonsense'), getStock('nothing')])
      expect((await call(read, missing)).status).toBe(404)
  })

  it('reads again only when its answer is old', async () => {
    const get = vi.fn(db.get.bind(db)) as unknown as typeof db.get
    const read = readHandler(but(db, { get }))
    for (let i = 0; i < 5; i++) expect((await call(read, getStock(product))).status).toBe(200)
    expect(get).toHaveBeenCalledTimes(1)
  })

  it('503 for what may pass, 500 without details for the rest, 503 in time when the database hangs', async () => {
    const down = but(db, { get: () => Promise.reject(new BackendError('cannot be reached')) })
    const first = await place(down, order())
    expect(first).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(first.body.error?.code).toBe('TryAgain')
    const broken = but(db, { get: () => Promise.reject(new TypeError('secret of ann')) })
    const answer = await place(broken, order())
    expect(answer.status).toBe(500)
    expect(JSON.stringify(answer)).not.toContain('secret')
    const hangs = but(db, {
      get: (_, options) =>
        new Promise((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))
        }),
    })
    expect((await call(apiHandler(hangs), postOrder(order()), 550)).status).toBe(503)
  })

  it('logs one line per request, without data', async () => {
    const broken = but(db, { get: () => Promise.reject(new TypeError('zacharias')) })
    const lines = await logged(async () => {
      await place(db, order(1, 'zacharias'))
      await place(db, order(99, 'zacharias'))
      await place(broken, order(1, 'zacharias'))
    })
    expect(lines).toMatchObject([
      { level: 'info', event: 'request', handler: 'api', route: 'POST /orders', status: 201 },
      { level: 'info', status: 409, error: 'OutOfStock' },
      { level: 'error', status: 500, error: 'TypeError', at: expect.stringContaining('handlers.test.ts') },
    ])
    for (const line of lines) expect(line.requestId).toEqual(expect.any(String))
    expect(JSON.stringify(lines)).not.toContain('zacharias')
  })
})
