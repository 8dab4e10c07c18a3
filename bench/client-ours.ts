import type { Maker } from './client-adapters.ts'
import { seeded } from './lib/seeded.ts'
import { makeUser, sortKey } from './lib/user.ts'

export const ours: Maker = {
  name: 'lockrow',
  async make({ database }) {
    const db = database()
    const pk = 'ours'
    const put = (i: number) => db.set({ pk, sk: sortKey(i), data: makeUser(i) })
    await seeded(put)
    return {
      get: () => db.get({ pk, sk: sortKey(7) }),
      put: () => put(7),
      batchGet: () => db.getMany(Array.from({ length: 10 }, (_, i) => ({ pk, sk: sortKey(i) }))),
      query: () => db.query({ pk, sk: 'user#' }),
      update: async () => {
        const { item } = await db.update(
          { pk, sk: sortKey(7) },
          { add: { stock: -3 } },
          { if: { stock: { gte: 3 } } },
        )
        return item
      },
      transact: () =>
        db.transact(
          Array.from({ length: 10 }, (_, i) => ({
            type: 'set' as const,
            item: { pk, sk: sortKey(i), data: makeUser(i) },
          })),
        ),
    }
  },
}
