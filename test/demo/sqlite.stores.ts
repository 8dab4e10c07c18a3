import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicSqliteDb } from 'lockrow/sqlite'
import { afterAll, expect, it } from 'vitest'
import { audit, lossCount } from '../../examples/demo/audit.ts'
import { readInput } from '../../examples/demo/input.ts'
import { fillStock } from '../../examples/demo/shop.ts'
import { sqliteWorlds } from '../../examples/demo/sqlite-world.ts'
import { runTraffic, shopByHand, shopOnLockrow } from '../../examples/demo/traffic.ts'
import { onEachSqlite } from '../stores/drivers.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockrow-demo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

onEachSqlite((name) => {
  it('the demo loses something by hand and nothing on lockrow, and leaves its file to be looked at', async () => {
    const { stock, orders } = await readInput('examples/demo/orders.jsonl')
    const some = orders.slice(0, 120)
    const file = join(folder, `${name.replace(':', '-')}.db`)
    const worlds = await sqliteWorlds(file, '1')
    const losses: number[] = []
    for (const shopOf of [shopByHand, shopOnLockrow]) {
      const world = await worlds.open()
      await fillStock(world.truth, stock)
      await runTraffic(world, shopOf(world), some, { handlers: 8, workers: 3 })
      losses.push(lossCount(await audit(world.truth, stock, some)))
      await world.close()
    }
    expect(losses[0]).toBeGreaterThan(0)
    expect(losses[1]).toBe(0)
    const db = new AtomicSqliteDb(file, { table: 'lockrow' })
    expect(await db.count({ pk: 'none' })).toBe(0)
    await db.close()
    await expect(sqliteWorlds(file, '1')).rejects.toThrow(/name of a new one/)
  })
})
