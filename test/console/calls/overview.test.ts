import { AtomicMemoryDb } from 'lockrow'
import { Recording, UnitMeter } from 'lockrow/console'
import { expect, it } from 'vitest'
import { consoleOf } from '../../setup/console.ts'

it('says what it is, what was recorded and spent; no token is in it', async () => {
  const recording = new Recording()
  const db = recording.of(new AtomicMemoryDb())
  const meter = new UnitMeter()
  const { call, ask } = consoleOf(db, { recording, meter, queues: ['jobs'], title: 'shop', write: false })
  expect(await call('about')).toMatchObject({
    title: 'shop',
    write: false,
    queues: ['jobs'],
    canScan: true,
    hasMeter: false,
  })
  expect(JSON.stringify(await ask('about'))).not.toContain('token')
  await db.set([1, 2].map((n) => ({ pk: 'a', sk: String(n), data: n })))
  await db.set({ pk: 'a', sk: 'b', data: 1 })
  const { calls } = await call<{ calls: { id: number }[] }>('transaction.list', { after: 1 })
  expect(calls.map(({ id }) => id)).toEqual([2])
  expect(await call('cost.show')).toMatchObject({ console: false })
  meter.add({ read: 2 })
  expect(await call('cost.show')).toMatchObject({ console: { all: { read: 2, write: 0 } } })
  expect(await consoleOf(db).call('transaction.list')).toMatchObject({ known: false, calls: [] })
})
