import { type AtomicDbInterface, atomic, ConditionFailed, IdempotencyMismatch } from 'lockrow'
import { HttpError, type HttpHandler, httpHandler } from './http.ts'
import { accountOf, idempotencyKeyOf, orderOf } from './input.ts'
import { type Order, type OrderRequest, OUTBOX, orderId, orderKey, type Product, productKey } from './shop.ts'

/**
 * POST /orders. Takes the stock, writes the order and puts a message into the outbox, all in one transaction, once
 * per Idempotency-Key. 201 with the order, 200 when it was there already, 400 for bad input, 409 out of stock,
 * 422 when the key was used for something else, 503 to try again. 1 strong read and 1 transaction of 4 rows.
 */
export const apiHandler = (db: AtomicDbInterface): HttpHandler =>
  httpHandler('api', async (event, signal) => {
    const key = idempotencyKeyOf(event)
    const wanted = orderOf(event)
    const id = orderId(accountOf(event), wanted.customer, key)
    const { order, isNew } = await place(db, id, wanted, signal)
    return { status: isNew ? 201 : 200, body: { id, ...order }, headers: { location: `/orders/${id}` } }
  })

async function place(
  db: AtomicDbInterface,
  id: string,
  wanted: OrderRequest,
  signal: AbortSignal,
): Promise<{ order: Order; isNew: boolean }> {
  const known = await db.get<Order>(orderKey(id), { signal })
  if (known) return { order: sameOrder(known.data, wanted), isNew: false }
  const { product, quantity } = wanted
  const order: Order = { ...wanted, state: 'placed' }
  try {
    await atomic(db)
      .update(productKey(product), { add: { left: -quantity } }, { if: { left: { gte: quantity } } })
      .setIfAbsent({ ...orderKey(id), data: order })
      .queuePush({ pk: OUTBOX, data: { order: id } })
      // Two calls with one key at the same moment: both are answered 201 for the one order that there is.
      .commit({ idempotencyKey: orderKey(id).pk, signal })
    return { order, isNew: true }
  } catch (error) {
    if (error instanceof IdempotencyMismatch) throw keyIsTaken()
    if (!(error instanceof ConditionFailed)) throw error
    const taken = error.conflicts.find(({ key }) => key.pk === orderKey(id).pk && key.sk === 'order')
    if (taken?.reason === 'exists') {
      const there = await db.get<Order>(orderKey(id), { signal })
      if (there) return { order: sameOrder(there.data, wanted), isNew: false }
    }
    const short = error.conflicts.find(({ reason }) => reason === 'condition')
    if (!short) throw error
    if (!short.current) throw new HttpError(400, 'UnknownProduct', 'product: there is no such product')
    const { left } = (short.current as { data: Product }).data
    throw new HttpError(409, 'OutOfStock', 'there is not enough of this product', { left })
  }
}

/** The order that is there already, if it is the one that was asked for. */
function sameOrder(order: Order, { product, quantity }: OrderRequest): Order {
  if (order.product !== product || order.quantity !== quantity) throw keyIsTaken()
  return order
}

const keyIsTaken = () => new HttpError(422, 'KeyReused', 'this Idempotency-Key was used for another order')
