import { AtomicMemoryDb } from 'lockrow'
import { expect, it } from 'vitest'
import { Traffic } from '../../../src/cli/console/traffic.ts'

interface Order {
  product: string
  quantity: number
}

it('what was sold is gone from the stock, whatever collided; and it ends when it is told', async () => {
  const db = new AtomicMemoryDb()
  const traffic = new Traffic(db)
  await traffic.start()
  await expect.poll(() => db.count({ pk: 'orders' }), { timeout: 25_000 }).toBeGreaterThan(3)
  await traffic.stop()
  const orders = await db.query<Order>({ pk: 'orders' })
  for (const [i, product] of ['boots', 'sandals', 'sneakers', 'slippers', 'clogs'].entries()) {
    const sold = orders
      .filter(({ data }) => data.product === product)
      .reduce((sum, { data }) => sum + data.quantity, 0)
    const item = await db.get<{ left: number }>({ pk: 'stock', sk: product })
    expect(item!.data.left).toBe(500 + i - sold)
  }
})
