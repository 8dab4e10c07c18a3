import { createHash } from 'node:crypto'
import type { AtomicDbItemKey } from 'lockrow'

/** What the handlers share: where things lie in the table, and what they look like. */

export interface Product {
  left: number
}

export interface OrderRequest {
  product: string
  quantity: number
  customer: string
}

export interface Order extends OrderRequest {
  state: 'placed' | 'shipped'
  tracking?: string
}

/** A message in the outbox: the rest is read where it is needed. */
export interface OutboxMessage {
  order: string
}

export interface Shipment {
  tracking: string
}

/** The queue between placing an order and shipping it; its dead letters go to `orders#outbox#dead`. */
export const OUTBOX = 'orders#outbox'

/** Partition keys begin with these, which is what the grants in infra/cdk/orders.ts are narrowed to. */
export const PREFIXES = { order: 'order#', product: 'product#' } as const

export const orderKey = (id: string): AtomicDbItemKey => ({ pk: PREFIXES.order + id, sk: 'order' })
export const productKey = (id: string): AtomicDbItemKey => ({ pk: PREFIXES.product + id, sk: 'stock' })

/** A row for every parcel, so that shipping twice would leave two. */
export const shipmentKey = (order: string, tracking: string): AtomicDbItemKey => ({
  pk: PREFIXES.order + order,
  sk: `shipment#${tracking}`,
})

/**
 * The id of an order follows from the caller's Idempotency-Key: a repeat, be it months later, finds the order.
 * The key belongs to a customer of an account, so that nobody meets the order of somebody else by chance.
 */
export function orderId(account: string, customer: string, idempotencyKey: string): string {
  const text = JSON.stringify([account, customer, idempotencyKey])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
