import { type AtomicDbInterface, type AtomicDbItem, AtomicLRUCache, consume, transaction } from 'lockrow'
import type { OrderLine, StockLine } from './input.ts'

export interface Product {
  left: number
}

export interface Order extends OrderLine {
  state: 'accepted' | 'rejected'
  reason?: string
}

const stockKey = (product: string) => ({ pk: 'stock', sk: product })

export async function fillStock(db: AtomicDbInterface, lines: readonly StockLine[]): Promise<void> {
  await db.set(
    lines.map(({ product, stock }) => ({ ...stockKey(product), data: { left: stock } satisfies Product })),
  )
}

/**
 * One handler's work for one order: what it read of the stock must still be so when order, stock and shipping job
 * are written, all at once; otherwise it is run again. Returns the order and how often it lost a race.
 */
export async function placeOrder(
  db: AtomicDbInterface,
  line: OrderLine,
): Promise<{ order: Order; races: number }> {
  let runs = 0
  const order = await transaction(
    db,
    async (tx) => {
      runs++
      const product = await tx.get<Product>(stockKey(line.product))
      const reason = !product
        ? 'unknown product'
        : product.data.left < line.quantity
          ? `only ${product.data.left} left`
          : undefined
      const result: Order = reason ? { ...line, state: 'rejected', reason } : { ...line, state: 'accepted' }
      tx.set({ pk: 'orders', sk: line.order, data: result })
      if (product && !reason) {
        tx.set({ ...product, data: { left: product.data.left - line.quantity } })
        tx.queuePush({ pk: 'shipping', data: line })
      }
      return result
    },
    { attempts: 200, baseMs: 5, maxMs: 100 },
  )
  return { order, races: runs - 1 }
}

/** Ships what is in the queue, each order once, until `done` says that nothing more will come. */
export async function ship(db: AtomicDbInterface, done: () => boolean, shipped: () => void): Promise<void> {
  for (;;) {
    const finished = done()
    const { item } = await db.queuePull<OrderLine>({ pk: 'shipping', ttlSeconds: 30 })
    if (item) {
      await consume(db, item, (tx) => tx.set({ pk: 'shipments', sk: item.data.order, data: item.data }))
      shipped()
    } else if (finished) return
    else await db.runtime.sleep(5)
  }
}

/** Everything that does not add up, in words; empty when all is well. */
export async function audit(
  db: AtomicDbInterface,
  stock: readonly StockLine[],
  lines: readonly OrderLine[],
): Promise<string[]> {
  const wrong: string[] = []
  const cache = new AtomicLRUCache(db, 1000)
  const orders = await db.query<Order>({ pk: 'orders' })
  const shipments = new Set((await db.query<OrderLine>({ pk: 'shipments' })).map((item) => item.sk))
  const accepted = orders.filter(isAccepted)
  if (orders.length !== lines.length)
    wrong.push(`${lines.length} orders came in, ${orders.length} were answered`)
  for (const { product, stock: initial } of stock) {
    const sold = accepted
      .filter((order) => order.data.product === product)
      .reduce((sum, order) => sum + order.data.quantity, 0)
    const left = (await cache.get<Product>(stockKey(product)))?.data.left
    if (left === undefined || left < 0 || left + sold !== initial)
      wrong.push(`${product}: ${initial} at first, ${sold} sold, but ${left} left`)
  }
  for (const order of accepted)
    if (!shipments.has(order.sk)) wrong.push(`order ${order.sk} was accepted and not shipped`)
  if (shipments.size !== accepted.length)
    wrong.push(`${accepted.length} orders were accepted, ${shipments.size} shipped`)
  const { ready, inFlight } = await db.queueStats('shipping')
  if (ready + inFlight > 0) wrong.push(`${ready + inFlight} jobs are left in the queue`)
  return wrong
}

const isAccepted = (order: AtomicDbItem<Order>): boolean => order.data.state === 'accepted'
