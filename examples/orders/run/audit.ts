import type { AtomicDbInterface } from 'lockrow'
import { type Order, OUTBOX, orderKey, type Product, productKey, type Shipment } from '../shop.ts'

export interface Check {
  what: string
  ok: boolean
}

/** What the table must hold at the end: nothing lost, nothing twice, nothing left over. */
export async function audit(
  db: AtomicDbInterface,
  stock: Readonly<Record<string, number>>,
  placed: ReadonlySet<string>,
): Promise<Check[]> {
  const checks: Check[] = []
  const ids = [...placed]
  const orders = await db.getMany<Order>(ids.map(orderKey))
  const missing = orders.filter((order) => !order).length
  checks.push({ what: `every order that was confirmed is there (${ids.length})`, ok: missing === 0 })

  for (const [product, initial] of Object.entries(stock)) {
    const sold = orders.reduce(
      (sum, order) => sum + (order?.data.product === product ? order.data.quantity : 0),
      0,
    )
    const left = (await db.get<Product>(productKey(product)))?.data.left
    const ok = left !== undefined && left >= 0 && left + sold === initial
    checks.push({ what: `${product}: ${left} left + ${sold} sold = ${initial} at first`, ok })
  }

  const parcels = await Promise.all(
    ids.map((id) => db.query<Shipment>({ pk: orderKey(id).pk, sk: 'shipment#' })),
  )
  const once = orders.filter((order, i) => {
    const [parcel, ...more] = parcels[i]!
    return (
      order?.data.state === 'shipped' && more.length === 0 && parcel?.data.tracking === order.data.tracking
    )
  }).length
  checks.push({ what: `shipped exactly once: ${once} of ${ids.length}`, ok: once === ids.length })

  const { ready, inFlight, delayed, dead } = await db.queueStats(OUTBOX)
  const rest = ready + inFlight + delayed
  checks.push({ what: `outbox: ${rest} messages left, ${dead} dead letters`, ok: rest + dead === 0 })
  return checks
}
