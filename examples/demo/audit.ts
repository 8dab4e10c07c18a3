import type { AtomicDbInterface } from 'lockrow'
import type { OrderLine, StockLine } from './input.ts'
import { type Order, type Product, stockKey } from './shop.ts'

/** What went wrong, counted from the rows at the end. All zero: everything adds up. */
export interface Losses {
  /** Pairs that customers were promised and that were never there. */
  oversold: number
  /** Products whose stock is not what it was at first less what was sold: an update was lost. */
  wrongStock: number
  /** Accepted orders for which no parcel ever left. */
  neverShipped: number
  /** Parcels beyond the first one of their order. */
  shippedTwice: number
  /** Orders that nobody has an answer to. */
  unanswered: number
}

export const lossesInWords: Readonly<Record<keyof Losses, string>> = {
  oversold: 'pairs sold that were not there',
  wrongStock: 'products whose stock is wrong (lost updates)',
  neverShipped: 'accepted orders that never left (lost messages)',
  shippedTwice: 'parcels sent a second time (doubled messages)',
  unanswered: 'orders without an answer',
}

export async function audit(
  db: AtomicDbInterface,
  stock: readonly StockLine[],
  lines: readonly OrderLine[],
): Promise<Losses> {
  const orders = (await db.query<Order>({ pk: 'orders' })).map(({ data }) => data)
  const parcels = (await db.query<OrderLine>({ pk: 'parcels' })).map(({ data }) => data.order)
  const shipped = new Set(parcels)
  const accepted = orders.filter(({ state }) => state === 'accepted')
  const losses: Losses = {
    oversold: 0,
    wrongStock: 0,
    neverShipped: accepted.filter(({ order }) => !shipped.has(order)).length,
    shippedTwice: parcels.length - shipped.size,
    unanswered: lines.length - orders.length,
  }
  const products = await db.getMany<Product>(stock.map(({ product }) => stockKey(product)))
  for (const [i, { product, stock: atFirst }] of stock.entries()) {
    const sold = accepted
      .filter((order) => order.product === product)
      .reduce((sum, { quantity }) => sum + quantity, 0)
    losses.oversold += Math.max(0, sold - atFirst)
    if (products[i]?.data.left !== atFirst - sold) losses.wrongStock++
  }
  return losses
}

export const lossCount = (losses: Losses): number => Object.values(losses).reduce((sum, n) => sum + n, 0)
