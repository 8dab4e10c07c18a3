import type { Random } from '../../src/testing/random.ts'
import type { SimulatedServer } from '../../src/testing/sim/server.ts'
import type { Simulation } from '../../src/testing/sim/simulation.ts'

/** Partitions whose expired rows disappear now and then, as DynamoDB deletes them: late and at any moment. */
const swept = ['expiry', 'item', 'counter', 'txn', 'mutex']

export async function sweepExpired(
  world: Simulation,
  server: SimulatedServer,
  random: Random,
  over: () => boolean,
  deleted: () => void,
): Promise<void> {
  const process = world.process()
  while (!over()) {
    await process.sleep(random.between(500, 20_000))
    const now = Math.floor((world.startAt + world.time) / 1000)
    for (const pk of swept) {
      const { rows } = await server.storage.page({ pk })
      for (const { sk, ttl } of rows) {
        if (ttl === undefined || ttl > now || random.chance(0.5)) continue
        deleted()
        await server.storage.apply({
          op: 'delete',
          key: { pk, sk },
          guard: { op: 'lte', left: { path: ['ttl'] }, right: { value: now } },
        })
      }
    }
  }
}
