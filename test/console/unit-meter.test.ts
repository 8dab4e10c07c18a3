import { UnitMeter } from 'lockrow/console'
import { expect, it } from 'vitest'

it('units count for the call that sent the request, also when calls run at the same time', async () => {
  const meter = new UnitMeter()
  expect(meter.isUsed).toBe(false)
  const pause = () => new Promise((resolve) => setImmediate(resolve))
  const slow = meter.measure('slow', async () => {
    meter.onRequest({ operation: 'Query', units: 2 })
    await pause()
    meter.onRequest({ operation: 'PutItem', units: 3 })
  })
  const spent = { read: 0, write: 0 }
  await meter.measure('fast', async () => meter.onRequest({ operation: 'GetItem', units: 1 }), spent)
  await slow
  meter.onRequest({ operation: 'UpdateItem' })
  expect(spent).toEqual({ read: 1, write: 0 })
  expect(meter.totals).toEqual([
    { name: 'slow', calls: 1, read: 2, write: 3 },
    { name: 'fast', calls: 1, read: 1, write: 0 },
  ])
  expect(meter.all).toEqual({ read: 3, write: 3 })
  expect(meter.isUsed).toBe(true)
})

it('what a call spent before it failed counts', async () => {
  const meter = new UnitMeter()
  const failing = meter.measure('one', async () => {
    meter.add({ read: 5 })
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(meter.totals).toEqual([{ name: 'one', calls: 1, read: 5, write: 0 }])
})
