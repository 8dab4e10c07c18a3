import { type AtomicDbInterface, ConditionFailed, InvalidInput, transaction } from 'lockrow'

/** What the recipes serve, whatever the framework: articles with a stock, and reservations. */
export interface Article {
  left: number
}

/** Reserves some of an article for an order, once per order. */
export async function reserve(
  db: AtomicDbInterface,
  article: string,
  { order, quantity }: { order?: unknown; quantity?: unknown },
): Promise<{ left: number }> {
  if (typeof order !== 'string' || order === '') throw new InvalidInput('order', 'must be a text')
  if (!Number.isSafeInteger(quantity) || (quantity as number) < 1)
    throw new InvalidInput('quantity', 'must be a whole number from 1')
  const stock = { pk: `article#${article}`, sk: 'stock' }
  const reservation = { pk: `article#${article}`, sk: `order#${order}` }
  return transaction(db, async (tx) => {
    const [item, known] = await tx.getMany<Article>([stock, reservation])
    if (known) return { left: item?.data.left ?? 0 }
    if (!item || item.data.left < (quantity as number))
      throw new ConditionFailed('sold out', [{ index: 0, key: stock, reason: 'condition' }])
    const left = item.data.left - (quantity as number)
    tx.set({ ...stock, data: { left } })
    tx.set({ ...reservation, data: { quantity } })
    return { left }
  })
}
