import { AtomicMemoryDb, idempotent } from 'lockrow'
import { expect, it, vi } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'
import { simulatedWorld } from '../setup/world.ts'

onBothBackends('idempotent', ({ open, pk }) => {
  it('once per key, whoever asks', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'run' }
    let runs = 0
    const run = () =>
      idempotent(db, key, async () => {
        runs++
        await db.runtime.sleep(20)
        return { receipt: runs }
      })
    expect(await Promise.all([run(), run(), run()])).toEqual([{ receipt: 1 }, { receipt: 1 }, { receipt: 1 }])
    expect(await run()).toEqual({ receipt: 1 })
    expect(runs).toBe(1)
  })

  it('a run that throws is forgotten, one that crashed is taken over, one under way is told', async () => {
    const db = open()
    const key = { pk: pk(), sk: 'run' }
    await expect(idempotent(db, key, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
    expect(await idempotent(db, key, () => 'second try')).toBe('second try')
    const crashed = { pk: key.pk, sk: 'crashed' }
    let begin = () => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const late = async () => {
      begin()
      await db.runtime.sleep(1200)
      return 'late'
    }
    const never = idempotent(db, crashed, late, { leaseMs: 500, extend: false })
    await begun
    await expect(idempotent(db, crashed, () => 'not yet', { waitMs: 0 })).rejects.toMatchObject({
      code: 'InProgress',
    })
    expect(await idempotent(db, crashed, () => 'taken over', { waitMs: 2000, clockToleranceMs: 0 })).toBe(
      'taken over',
    )
    // The first run finishes late: the remembered result is that of the one who took over.
    expect(await never).toBe('taken over')
    expect(await idempotent(db, { pk: key.pk, sk: 'void' }, () => undefined)).toBeUndefined()
    expect(await idempotent(db, { pk: key.pk, sk: 'void' }, () => undefined)).toBeUndefined()
  })
})

it('a run that takes longer than its result is remembered runs once all the same', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    let runs = 0
    const run = ({ db, process }: typeof a) =>
      idempotent(db, { pk: 'p', sk: 'long' }, () => process.sleep(120_000).then(() => ++runs), {
        ttlSeconds: 30,
        leaseMs: 10_000,
        waitMs: 300_000,
      })
    const first = run(a)
    await b.process.sleep(1000)
    expect(await Promise.all([first, run(b)])).toEqual([1, 1])
  })
})

it('who waits for the run of another one looks at it by strong reads', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'idempotent', sk: 'strong' }
  const read = vi.spyOn(db, 'get')
  const slow = idempotent(db, key, () => new Promise<number>((resolve) => setTimeout(() => resolve(7), 150)))
  expect(await Promise.all([slow, idempotent(db, key, () => 8)])).toEqual([7, 7])
  expect(read.mock.calls.length).toBeGreaterThan(0)
  for (const [, options] of read.mock.calls) expect(options).toMatchObject({ consistent: true })
})
