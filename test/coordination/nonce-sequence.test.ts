import { NonceSequence } from 'lockrow'
import { expect, it } from 'vitest'
import { StorageFault } from '../../src/storage.ts'
import { onBothBackends } from '../setup/backends.ts'
import { simulatedWorld } from '../setup/world.ts'

onBothBackends('NonceSequence', ({ open, pk }) => {
  it('100 concurrent callers get 100 different, contiguous nonces, from 0', async () => {
    const sequence = new NonceSequence(open(), { pk: pk(), sk: 'n' })
    const nonces = await Promise.all(Array.from({ length: 100 }, () => sequence.assign(0)))
    expect(nonces.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it('follows the pending count, falls back, gives back', async () => {
    const sequence = new NonceSequence(open(), { pk: pk(), sk: 'n' })
    expect(await sequence.assign(7)).toBe(7)
    expect(await sequence.assign(3)).toBe(8)
    expect(await sequence.assign(9)).toBe(9)
    expect(await sequence.assign(50)).toBe(50)
    expect(await sequence.assign(51)).toBe(51)
    // 551 is as far as we may be ahead of 51; from there we fall back.
    expect(await sequence.assign(551)).toBe(551)
    expect(await sequence.assign(52)).toBe(552)
    expect(await sequence.assign(52)).toBe(52)
    for (let i = 53; i < 56; i++) expect(await sequence.assign(52)).toBe(i)
    await sequence.release(53)
    expect(await sequence.state()).toEqual({ last: 55, free: [53] })
    expect(await sequence.assign(52)).toBe(53)
    expect(await sequence.assign(52)).toBe(56)
    await sequence.release(56)
    expect(await sequence.assign(52)).toBe(56)
    await expect(sequence.release(99)).rejects.toMatchObject({ code: 'InvalidInput' })
    await sequence.reset()
    expect(await sequence.assign(4)).toBe(4)
    for (const bad of [-1, 0.5, Number.NaN])
      await expect(sequence.assign(bad)).rejects.toMatchObject({ field: 'pendingCount' })
  })
})

it.each([undefined, 10])('a reset(%s) that arrives late undoes nothing', async (last) => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    const sequence = new NonceSequence(db, { pk: 'p', sk: 'n' })
    await sequence.assign(5)
    intercept.now = (send) => {
      intercept.now = undefined
      void process.sleep(3000).then(send)
      return Promise.reject(new StorageFault('unknown', 'no reply'))
    }
    await sequence.reset(last)
    const first = (last ?? 4) + 1
    expect([await sequence.assign(5), await sequence.assign(5)]).toEqual([first, first + 1])
    await process.sleep(5000)
    expect(await sequence.assign(5)).toBe(first + 2)
  })
})

it('a reset that was lost while others were assigned nonces does not take those back', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const [mine, theirs] = [a, b].map(({ db }) => new NonceSequence(db, { pk: 'p', sk: 'n' }))
    await theirs!.assign(5)
    a.intercept.now = async (send) => {
      await send()
      await theirs!.assign(5)
      throw new StorageFault('unknown', 'no reply')
    }
    await expect(mine!.reset()).rejects.toMatchObject({ code: 'OutcomeUnknown' })
    expect(await theirs!.assign(5)).toBe(6)
  })
})
