import { type AtomicDbInterface, type AtomicDbQueueItem, consume, transaction } from 'lockrow'
import type { Runtime } from 'lockrow/backend'
import type { OrderLine, StockLine } from './input.ts'

export interface Product {
  left: number
}

export interface Order extends OrderLine {
  state: 'accepted' | 'rejected'
}

export const stockKey = (product: string) => ({ pk: 'stock', sk: product })

/** Each parcel that leaves the shop is an item of its own, so that two for one order can be seen. */
export const parcelKey = (runtime: Runtime, order: string) => ({
  pk: 'parcels',
  sk: `${order}#${Math.floor(runtime.random() * 2 ** 48).toString(36)}`,
})

export async function fillStock(db: AtomicDbInterface, lines: readonly StockLine[]): Promise<void> {
  await db.set(
    lines.map(({ product, stock }) => ({ ...stockKey(product), data: { left: stock } satisfies Product })),
  )
}

/**
 * One handler's work for one order. What it reads must still be so when order, stock and shipping job are written, all
 * at once; otherwise it runs again. A customer who asks again gets the answer of the first time.
 */
export function placeOrder(db: AtomicDbInterface, line: OrderLine): Promise<Order['state']> {
  const key = { pk: 'orders', sk: line.order }
  return transaction(
    db,
    async (tx) => {
      const placed = await tx.get<Order>(key)
      if (placed) return placed.data.state
      const product = await tx.get<Product>(stockKey(line.product))
      const left = product?.data.left ?? 0
      const state = left >= line.quantity ? 'accepted' : 'rejected'
      tx.set({ ...key, data: { ...line, state } satisfies Order })
      if (state === 'accepted') {
        tx.set({ ...stockKey(line.product), data: { left: left - line.quantity } })
        tx.queuePush({ pk: 'shipping', data: line })
      }
      return state
    },
    { attempts: 200, baseMs: 5, maxMs: 100 },
  )
}

/** A worker's work for one job: the parcel goes out and the job is done, both or neither. */
export async function shipOrder(db: AtomicDbInterface, job: AtomicDbQueueItem<OrderLine>): Promise<void> {
  await consume(db, job, (tx) => {
    tx.set({ ...parcelKey(db.runtime, job.data.order), data: job.data })
  })
}
