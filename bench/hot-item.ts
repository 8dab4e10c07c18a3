import { AtomicDynamoDB } from '../src/dynamo/index.ts'
import { RaceCondition } from '../src/errors.ts'
import { lockKey } from '../src/model/key-names.ts'
import { type Answered, noneAgain, untilAnswered } from './lib/answered.ts'
import { throughput } from './lib/measure.ts'
import { costOf, metered } from './lib/meter.ts'
import { makeClient } from './lib/sdk.ts'
import { progress } from './lib/terminal.ts'

interface Stock {
  stock: number
}

/** What one way did in one round. */
interface Way {
  rate: number
  requests: number
  wru: number
  rru: number
  failed: number
  failedEach: number
}

export interface HotItem {
  rounds: { update: Way; lock: Way }[]
  again: Answered
}

/** Many clients take from one item: by a conditional update, and by lock, read and write. */
export async function hotItem(
  endpoint: string,
  table: string,
  { clients, tiny }: { clients: number; tiny: boolean },
): Promise<HotItem> {
  const client = makeClient(endpoint)
  const meter = metered(client)
  const db = new AtomicDynamoDB(client, table)
  const again = noneAgain()
  const key = { pk: 'hot', sk: 'item' }
  await db.set({ ...key, data: { stock: 1e12 } })
  await db.getLock(lockKey(key))
  const update = async () => {
    const { applied } = await db.update(key, { add: { stock: -1 } }, { if: { stock: { gte: 1 } } })
    if (!applied) throw new Error('not applied')
  }
  const byLock = async () => {
    for (;;) {
      const lock = await db.getLock(lockKey(key))
      const item = await db.get<Stock>(key)
      try {
        await db.setAtomic({ ...key, data: { stock: item!.data.stock - 1 } }, lock)
        return
      } catch (error) {
        if (!(error instanceof RaceCondition)) throw error
      }
    }
  }
  const rounds: HotItem['rounds'] = []
  const ms = tiny ? 150 : 2500
  await throughput(clients, ms / 2, () => untilAnswered(again, update))
  for (let round = 0; round < (tiny ? 1 : 6); round++) {
    progress(`atomic: hot item, round ${round + 1}`)
    const way = async (work: () => Promise<unknown>): Promise<Way> => {
      let rate = 0
      const cost = await costOf(meter, async () => {
        rate = await throughput(clients, ms, () => untilAnswered(again, work))
      })
      const done = (rate * ms) / 1000
      return {
        rate,
        requests: cost.requests / done,
        wru: cost.wru / done,
        rru: cost.rru / done,
        failed: cost.failed,
        failedEach: cost.failed / done,
      }
    }
    const first = round % 2 === 0
    const a = await way(first ? update : byLock)
    const b = await way(first ? byLock : update)
    rounds.push(first ? { update: a, lock: b } : { update: b, lock: a })
  }
  client.destroy()
  return { rounds, again }
}
