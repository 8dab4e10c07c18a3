import { existsSync } from 'node:fs'
import { AtomicEngine, type Storage, StorageFault, systemRuntime } from 'lockrow/backend'
import { Random } from 'lockrow/testing'
import { SqliteStorage } from '../../src/sqlite/storage.ts'
import { diceOf, faultRates } from './dice.ts'
import { retriedTable } from './retried-table.ts'
import type { World } from './world.ts'

/** The same storage, of which some requests are throttled and some replies are lost. */
function shaken(storage: Storage, random: Random): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown
      if (typeof method !== 'function') return method
      return async (...request: unknown[]) => {
        if (random.chance(faultRates.throttled)) throw new StorageFault('throttled', 'the demo says no')
        const reply = await method.apply(target, request)
        if (random.chance(faultRates.lostReply))
          throw new StorageFault('unknown', 'the demo has lost the reply')
        return reply
      }
    },
  })
}

/** A SQLite file in real time, with a table for each shop, that stays to be looked at. No process is killed. */
export async function sqliteWorlds(
  file: string,
  seed: string,
): Promise<{ where: string; open: () => Promise<World> }> {
  if (existsSync(file)) throw new Error(`there is a file ${file} already: give the name of a new one`)
  const tables = ['by_hand', 'lockrow']
  return {
    where: `the SQLite file ${file}`,
    async open() {
      const table = tables.shift()!
      const runtime = systemRuntime
      const calm = new SqliteStorage({
        source: file,
        table,
        driver: undefined,
        synchronous: 'normal',
        waitMs: 5000,
        runtime,
      })
      const storage = shaken(calm, new Random(`${seed}: faults`))
      return {
        runtime,
        dice: diceOf(new Random(`${seed}: queue service`)),
        truth: new AtomicEngine(calm, { runtime }),
        start: () => ({
          runtime,
          db: new AtomicEngine(storage, { runtime }),
          table: retriedTable(storage, runtime),
          killed: new Promise(() => {}),
        }),
        run: (main) => main(),
        close: () => calm.close(),
      }
    },
  }
}
