import { AtomicMemoryDb } from 'lockrow'
import { expect, it } from 'vitest'

const secret = 'a secret of our own'
const query = { pk: 'tenant-1', sk: 'order#', limit: 1 }

async function filled(options: ConstructorParameters<typeof AtomicMemoryDb>[0]) {
  const db = new AtomicMemoryDb(options)
  await db.set(['a', 'b', 'c'].map((name) => ({ pk: 'tenant-1', sk: `order#${name}` })))
  return db
}

it('with a secret, cursors of other processes with the same secret are taken', async () => {
  const { cursor } = await (await filled({ cursorSecret: secret })).page(query)
  const other = await filled({ cursorSecret: Buffer.from(secret) })
  expect((await other.page({ ...query, cursor })).items[0]!.sk).toBe('order#b')
})

it('with a secret, nothing that was made without it, or with another one, is taken', async () => {
  const signed = await filled({ cursorSecret: secret })
  const refused = { code: 'InvalidInput', field: 'cursor' }
  for (const cursorSecret of [undefined, 'another secret of 16', `${secret} `]) {
    const { cursor } = await (await filled({ cursorSecret })).page(query)
    await expect(signed.page({ ...query, cursor })).rejects.toMatchObject(refused)
  }
  const { cursor } = await signed.page(query)
  await expect((await filled({})).page({ ...query, cursor })).rejects.toMatchObject(refused)
  await expect(signed.page({ ...query, reverse: true, cursor })).rejects.toThrow('another query')
})

it('a cursor made by hand from a real one is refused: the checksum covers the sk', async () => {
  const db = await filled({})
  const { cursor } = await db.page(query)
  const bytes = Buffer.from(cursor!, 'base64url')
  bytes.write('b', bytes.length - 1)
  await expect(db.page({ ...query, cursor: bytes.toString('base64url') })).rejects.toThrow('damaged')
})

it('the same page has the same cursor, and pages of other partitions have others', async () => {
  const db = await filled({})
  await db.set(['a', 'b'].map((name) => ({ pk: 'tenant-2', sk: `order#${name}` })))
  const cursors = await Promise.all(
    [query, query, { ...query, pk: 'tenant-2' }].map(async (one) => (await db.page(one)).cursor),
  )
  expect(cursors[0]).toBe(cursors[1])
  expect(cursors[0]).not.toBe(cursors[2])
})

it('a secret that is too short is refused when the database is made', () => {
  for (const cursorSecret of ['', 'short', new Uint8Array(15), 7 as never])
    expect(() => new AtomicMemoryDb({ cursorSecret })).toThrow('cursorSecret')
})
