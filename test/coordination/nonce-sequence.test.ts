import { NonceSequence } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

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
