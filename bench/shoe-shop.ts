import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { decrement } from '../src/recipes/index.ts'
import { injectFaults } from '../src/testing/faults/index.ts'
import { noneAgain, untilAnswered } from './lib/answered.ts'
import { makeClient } from './lib/sdk.ts'
import { progress } from './lib/terminal.ts'

interface Stock {
  stock: number
}

/** Buyers of whom each must get a true answer, although replies are lost. */
export async function shoeShop(endpoint: string, table: string, tiny: boolean) {
  const pairs = tiny ? 10 : 100
  const buyers = tiny ? 100 : 5000
  const clients = tiny ? 8 : 64
  const rate = 0.1
  const client = makeClient(endpoint)
  const certain = new AtomicDynamoDB(makeClient(endpoint), table)
  const key = { pk: 'shop', sk: 'sneaker' }
  await certain.set({ ...key, data: { stock: pairs, buyers: {} } })
  const faults = injectFaults(client, { seed: 7, rates: { dropReply: rate }, log: () => {} })
  const db = new AtomicDynamoDB(client, table)
  const answers = new Map<string, boolean>()
  const again = noneAgain()
  let next = 0
  const buy = async (buyer: string): Promise<boolean> => {
    const { applied, item } = await untilAnswered(again, () =>
      db.update<{ stock: number; buyers: Record<string, unknown> }>(
        key,
        { add: { stock: -1 }, set: { [`buyers.${buyer}`]: true } },
        { if: { stock: { gte: 1 }, [`buyers.${buyer}`]: { exists: false } } },
      ),
    )
    return applied || item?.data.buyers[buyer] === true
  }
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < buyers) {
        const buyer = `b${next++}`
        if (next % 100 === 0) progress(`atomic: buyer ${next} of ${buyers}`)
        answers.set(buyer, await buy(buyer))
      }
    }),
  )
  const dropped = faults.counts.dropReply
  const end = await certain.get<Stock & { buyers: Record<string, unknown> }>(key)
  const told = [...answers.values()].filter(Boolean).length
  const wrong = [...answers].filter(
    ([buyer, bought]) => bought !== Object.hasOwn(end!.data.buyers, buyer),
  ).length
  // The recipe, by its own write id alone: the sum of the answers must be what is gone.
  await certain.set({ pk: 'shop', sk: 'plain', data: { stock: pairs } })
  let sold = 0
  const inDoubt = noneAgain()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let i = 0; i < pairs / 10; i++) {
        const { applied } = await untilAnswered(inDoubt, () =>
          decrement(db, { pk: 'shop', sk: 'plain' }, 'stock', 1, { exactlyOnce: true }),
        )
        if (applied) sold++
      }
    }),
  )
  const plain = await certain.get<Stock>({ pk: 'shop', sk: 'plain' })
  const gone = pairs - plain!.data.stock
  client.destroy()
  return {
    pairs,
    buyers,
    clients,
    rate,
    sold: told,
    left: end!.data.stock,
    refused: answers.size - told,
    again,
    wrong: wrong + (sold <= gone && gone <= sold + inDoubt.unknown ? 0 : 1),
    dropped,
    settings: { buyers, 'replies dropped': rate, seed: faults.seed },
  }
}
