import type { Runtime } from 'lockrow/backend'
import type { OrderLine } from './input.ts'
import { type Order, type Product, parcelKey, stockKey } from './shop.ts'
import type { Delivery, SideQueue } from './side-queue.ts'

type Key = { pk: string; sk: string }

/** A table through its SDK, which repeats what got no answer. */
export interface Table {
  get<T>(key: Key): Promise<{ data: T } | undefined>
  put(item: Key & { data: unknown }): Promise<void>
}

/**
 * One handler's work for one order, as it is written every day: get, check, put, and then the job for the workers. Every
 * line is fine alone. What it gets wrong happens between two lines.
 */
export async function placeByHand(
  runtime: Runtime,
  table: Table,
  queue: SideQueue<OrderLine>,
  line: OrderLine,
): Promise<Order['state']> {
  // A customer who asks again gets the answer of the first time.
  const key = { pk: 'orders', sk: line.order }
  const placed = await table.get<Order>(key)
  if (placed) return placed.data.state
  const stock = stockKey(line.product)
  const product = await table.get<Product>(stock)
  const left = product?.data.left ?? 0
  const state = left >= line.quantity ? 'accepted' : 'rejected'
  if (state === 'accepted') await table.put({ ...stock, data: { left: left - line.quantity } })
  await table.put({ ...key, data: { ...line, state } satisfies Order })
  if (state === 'accepted') await queue.send(runtime, line)
  return state
}

/** A worker's work for one job: hand the parcel out, then delete the job. */
export async function shipByHand(
  runtime: Runtime,
  table: Table,
  queue: SideQueue<OrderLine>,
  { receipt, body }: Delivery<OrderLine>,
): Promise<void> {
  await table.put({ ...parcelKey(runtime, body.order), data: body })
  await queue.delete(runtime, receipt)
}
