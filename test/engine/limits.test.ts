import { anyOf, type Condition, InvalidInput } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('what is too much is refused before it is sent', ({ open, pk }) => {
  it('field names of more than 65,535 bytes inside of data', async () => {
    const key = { pk: pk(), sk: 'names' }
    // DynamoDB Local fails from about 33,000 bytes on.
    const fits = { a: [{ ['f'.repeat(32_000)]: 1 }] }
    await open().set({ ...key, data: fits })
    expect((await open().get(key))?.data).toEqual(fits)
    for (const name of ['f'.repeat(65_536), 'é'.repeat(32_768)]) {
      const data = { a: [{ [name]: 1 }] }
      const refused = { code: 'InvalidInput', message: expect.stringContaining('65535 bytes') }
      await expect(open().set({ ...key, data })).rejects.toMatchObject({ ...refused, field: 'data.a[0]' })
      await expect(open().update(key, { set: { b: data } })).rejects.toMatchObject(refused)
      await expect(open().update(key, { set: { b: 1 } }, { if: { a: { eq: data } } })).rejects.toMatchObject(
        refused,
      )
      await expect(open().queuePush({ ...key, data })).rejects.toMatchObject(refused)
    }
    expect((await open().get(key))?.data).toEqual(fits)
  })

  it('more than 2 MB of values in one expression', async () => {
    const key = { pk: pk(), sk: 'values' }
    await open().set({ ...key, data: { a: 'a' } })
    const among = (count: number): Condition => ({
      a: { in: ['a', ...Array.from({ length: count }, (_, i) => `${i}${'x'.repeat(99_999)}`)] },
    })
    // DynamoDB Local takes about 1 MB.
    expect(await open().update(key, { set: { n: 1 } }, { if: among(8) })).toMatchObject({ applied: true })
    const refused = { code: 'InvalidInput', limit: 2 * 1024 * 1024 }
    await expect(open().update(key, { set: { n: 2 } }, { if: among(22) })).rejects.toMatchObject(refused)
    await expect(
      open().update(key, { set: { n: 2, text: 'y'.repeat(150_000) } }, { if: among(20) }),
    ).rejects.toMatchObject(refused)
    await expect(
      open().transact([{ type: 'set', item: { ...key, data: 2 }, if: among(22) }]),
    ).rejects.toMatchObject(refused)
    expect((await open().get<{ n: number }>(key))?.data.n).toBe(1)
  })

  it('more operators than one condition takes, counted as DynamoDB counts them', async () => {
    const key = { pk: pk(), sk: 'operators' }
    await open().set({ ...key, data: { n: 1 } })
    const parts = (count: number): Condition =>
      anyOf(...Array.from({ length: count }, (_, i): Condition => ({ n: { size: i } })))
    expect(await open().update(key, { set: { a: 1 } }, { if: parts(90) })).toMatchObject({ applied: false })
    for (const count of [100, 120])
      await expect(open().update(key, { set: { a: 1 } }, { if: parts(count) })).rejects.toMatchObject({
        code: 'InvalidInput',
        field: 'if',
      })
    for (const count of [145, 151])
      await expect(
        open().update(
          key,
          { set: { a: 1 } },
          { if: anyOf(...Array.from({ length: count }, (_, i): Condition => ({ n: i }))) },
        ),
      ).rejects.toMatchObject({ code: 'InvalidInput', field: 'if' })
  })

  it('a single value of more than 400 KB in a condition: no item has one', async () => {
    const key = { pk: pk(), sk: 'large' }
    await open().set({ ...key, data: { a: 'a' } })
    for (const large of ['x'.repeat(409_601), ['x'.repeat(409_599)]])
      await expect(
        open().update(key, { set: { n: 1 } }, { if: { a: { ne: large as never } } }),
      ).rejects.toMatchObject({ code: 'InvalidInput', field: 'if', limit: 409_600 })
    const fits = { a: { ne: ['x'.repeat(409_590)] as never } }
    expect(await open().update(key, { set: { n: 1 } }, { if: fits })).toMatchObject({ applied: true })
  })

  it('more rows than a transaction takes, before any of them is looked at', async () => {
    const bad = { type: 'nonsense' } as never
    const item = { pk: '', sk: '', data: undefined }
    for (const count of [101, 300_000]) {
      const error = await open()
        .transact(Array.from({ length: count }, () => bad))
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(InvalidInput)
      expect(error).toMatchObject({ field: 'operations', limit: 100, given: `${count}: ${count} nonsense` })
      await expect(
        open().setAtomic(
          Array.from({ length: count }, () => item),
          [null as never],
        ),
      ).rejects.toMatchObject({ field: 'operations', limit: 100 })
    }
    await expect(
      open().transact(
        Array.from({ length: 100 }, () => bad),
        { idempotencyKey: 'k' },
      ),
    ).rejects.toMatchObject({ field: 'operations', limit: 100 })
  })
})
