import { type AtomicDbInterface, AtomicLRUCache } from 'lockrow'
import { HttpError, type HttpHandler, httpHandler } from './http.ts'
import { isOrderId, isProduct } from './input.ts'
import { type Order, orderKey, type Product, productKey } from './shop.ts'

export interface ReadOptions {
  /** How old an answer may be, ms. Default 2000. */
  maxAgeMs?: number
  maxItems?: number
}

/**
 * GET /orders/{id} and GET /stock/{product}, through a cache in the memory of this process: what other processes
 * write is seen `maxAgeMs` later, also that something is there now. Its clock is the wall's, so that nothing stays
 * fresh through a freeze.
 */
export function readHandler(db: AtomicDbInterface, options: ReadOptions = {}): HttpHandler {
  const { maxAgeMs = 2000, maxItems = 10_000 } = options
  const cache = new AtomicLRUCache(db, { maxItems, maxAgeMs })
  // No signal: readers of one item share its request, which the timeouts of the client bound.
  return httpHandler('read', async (event) => {
    const { id, product } = event.pathParameters ?? {}
    if (event.routeKey === 'GET /orders/{id}') {
      const item = isOrderId(id) ? await cache.get<Order>(orderKey(id)) : undefined
      if (!id || !item) throw new HttpError(404, 'NotFound', 'there is no such order')
      return { status: 200, body: { id, ...item.data } }
    }
    if (event.routeKey === 'GET /stock/{product}') {
      const item = isProduct(product) ? await cache.get<Product>(productKey(product)) : undefined
      if (!item) throw new HttpError(404, 'NotFound', 'there is no such product')
      return { status: 200, body: { product, left: item.data.left } }
    }
    throw new HttpError(404, 'NotFound', 'there is no such route')
  })
}
