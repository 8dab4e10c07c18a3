import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import { Simulation } from '../../../src/testing/sim/simulation.ts'
import { describeRefusals, type Line } from '../../setup/bad-input.ts'

const db = new AtomicMemoryDb()
const texts = ['', 5, null, {}, '\ud800', 'x'.repeat(2049)]
const unit = /text|string|empty|bytes|surrogate/
const moments = [0, -1, 0.5, 'tomorrow', Number.NaN, 1e18, new Date(Number.NaN), null]

describeRefusals([
  ['queuePause', (pk) => db.queuePause(pk), texts, 'pk', unit],
  ['queueResume', (pk) => db.queueResume(pk), texts, 'pk', unit],
  ['queueStats', (pk) => db.queueStats(pk), texts, 'pk', unit],
  ['queuePurge', (pk) => db.queuePurge(pk), texts, 'pk', unit],
  ['queuePeek', (pk) => db.queuePeek({ pk }), texts, 'pk', unit],
  ['queuePause', (until) => db.queuePause('q', { until }), moments, 'until', /milliseconds/],
] as Line[])

test('a pause ends by itself, by the command to go on, or never', async () => {
  const world = new Simulation({ seed: 1 })
  const simulated = new AtomicMemoryDb({ runtime: world.process() })
  await world.run(async () => {
    const { runtime } = simulated
    const pk = 'q'
    await simulated.queuePush([1, 2, 3].map((data) => ({ pk, data })))
    const pull = () => simulated.queuePull<number>({ pk })
    const until = Math.ceil(runtime.now()) + 60_000
    await simulated.queuePause(pk, { until })
    expect(await pull()).toEqual({ paused: true, nextDue: until })
    await runtime.sleep(60_001)
    expect((await pull()).item?.data).toBe(1)
    await simulated.queuePause(pk)
    expect(await pull()).toEqual({ paused: true })
    await runtime.sleep(365 * 86_400_000)
    expect((await pull()).paused).toBe(true)
    await simulated.queueResume(pk)
    const { item, paused } = await pull()
    expect([item?.data, paused]).toEqual([1, undefined])
    // The command holds for the queue with shards as well.
    await simulated.queuePush({ pk, data: 9 }, { shards: 2 })
    await simulated.queuePause(pk)
    expect((await simulated.queuePull({ pk, shards: 2 })).paused).toBe(true)
    await simulated.queueResume(pk)
    expect((await simulated.queuePull({ pk, shards: 2 })).item?.data).toBe(9)
  })
})
