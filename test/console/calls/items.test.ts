import { AtomicMemoryDb, lockKey } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { describe, expect, it } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { consoleOf } from '../../setup/console.ts'

interface Shown {
  pk: string
  sk: string
  json?: string
  ttl?: number
}
interface Saved {
  saved: boolean
  item?: Shown
}

onBothBackends('items in the console', ({ open, pk }) => {
  const world = () => {
    const db = open()
    const place = pk()
    const { call, ask } = consoleOf(db)
    const key = { pk: place, sk: 'a' }
    const get = async () => (await call<{ item?: Shown; lock?: { version: string } }>('item.get', key)).item
    const save = (given: object) => call<Saved>('item.save', { ...key, confirm: 'a', ...given })
    return { db, place, call, ask, key, get, save }
  }

  it('pages by prefix and range, forwards and back', async () => {
    const { db, place, call } = world()
    await db.set(['a1', 'a2', 'a3', 'b1'].map((sk) => ({ pk: place, sk, data: { sk } })))
    const page = (given: object) =>
      call<{ items: Shown[]; cursor?: string }>('item.page', { pk: place, ...given })
    const first = await page({ prefix: 'a', limit: 2 })
    expect(first.items.map(({ sk }) => sk)).toEqual(['a1', 'a2'])
    const second = await page({ prefix: 'a', limit: 2, cursor: first.cursor })
    expect(second.items.map(({ sk }) => sk)).toEqual(['a3'])
    expect((await page({ from: 'a2', to: 'b1', reverse: true })).items.map(({ sk }) => sk)).toEqual([
      'b1',
      'a3',
      'a2',
    ])
  })

  it('shows the version of a lock without making one', async () => {
    const { db, key, call } = world()
    await db.set({ ...key, data: 1 })
    expect(await call('item.get', key)).not.toHaveProperty('lock')
    const lock = await db.getLock(lockKey(key))
    expect(await call('item.get', key)).toMatchObject({ lock: { version: lock.version } })
  })

  it('is saved field by field, if it is what was shown', async () => {
    const { db, key, get, save } = world()
    await db.set({
      ...key,
      data: { name: 'ann', n: 10n ** 20n, tags: new Set(['x']), bytes: new Uint8Array([1]) },
    })
    const shown = await get()
    expect(shown!.json).toContain('{"$bigint":"100000000000000000000"}')
    const edited = shown!.json!.replace('ann', 'anna')
    expect(await save({ shown, json: edited, ttl: 4_000_000_000 })).toMatchObject({ saved: true })
    expect(await db.get(key)).toEqual({
      ...key,
      ttl: 4_000_000_000,
      data: { name: 'anna', n: 10n ** 20n, tags: new Set(['x']), bytes: new Uint8Array([1]) },
    })
  })

  it("nobody's write is lost: another one since it was shown refuses the save and the deletion", async () => {
    const { db, key, get, save, call } = world()
    await db.set({ ...key, data: { n: 1 } })
    const shown = await get()
    await db.update(key, { add: { n: 1 } })
    expect(await save({ shown, json: '{"n":50}' })).toMatchObject({ saved: false, item: { json: '{"n":2}' } })
    const removed = await call<Saved>('item.delete', { ...key, confirm: 'a', shown })
    expect(removed).toMatchObject({ saved: false, item: { json: '{"n":2}' } })
    expect((await db.get(key))?.data).toEqual({ n: 2 })
    expect(await call('item.delete', { ...key, confirm: 'a', shown: await get() })).toMatchObject({
      saved: true,
    })
    expect(await db.get(key)).toBeUndefined()
  })

  it('is made only where there is none, and data of any kind is replaced as a whole', async () => {
    const { db, key, get, save } = world()
    expect(await save({ shown: null, json: '{"n":1}' })).toMatchObject({ saved: true })
    expect(await save({ shown: null, json: '{"n":2}' })).toMatchObject({ saved: false })
    expect(await save({ shown: await get(), json: '[1,2]' })).toMatchObject({ saved: true })
    expect((await db.get(key))?.data).toEqual([1, 2])
    expect(await save({ shown: await get(), json: '{"a":{}}' })).toMatchObject({ saved: true })
    expect((await db.get(key))?.data).toEqual({ a: {} })
  })

  it('what is no JSON is said', async () => {
    const { ask, key } = world()
    const answer = await ask('item.save', { ...key, confirm: 'a', json: '{', shown: null })
    expect(answer).toMatchObject({ status: 400, error: { message: /not JSON/ } })
  })
})

describe('collections', () => {
  it('are described as their application has made them', async () => {
    const db = new AtomicMemoryDb()
    const people = collection(db, 'people', {
      schema: typed<{ id: string; city: string }>(),
      key: 'id',
      indexes: { city: { key: 'city' } },
    })
    const { call } = consoleOf(db, { collections: [people] })
    const { collections } = await call<{ collections: { name: string; patterns: string }[] }>(
      'item.collections',
    )
    expect(collections).toEqual([{ name: 'people', patterns: people.describe() }])
  })
})
