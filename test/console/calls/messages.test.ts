import { expect, it } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { consoleOf } from '../../setup/console.ts'

interface Done {
  done: number
  left: { sk: string; why: string }[]
}

onBothBackends('messages in the console', ({ open, pk }) => {
  const world = async (count = 3) => {
    const db = open()
    const queue = pk()
    await db.queuePush(Array.from({ length: count }, (_, n) => ({ pk: queue, data: { n } })))
    const { call } = consoleOf(db)
    const act = (name: string, given: object) => call<Done>(name, { pk: queue, confirm: queue, ...given })
    return { db, queue, act, shown: () => db.queuePeek({ pk: queue, limit: 100 }) }
  }

  it('are deleted while they wait; one that was taken since it was shown stays', async () => {
    const { db, queue, act, shown } = await world()
    const messages = (await shown()).map(({ sk }) => ({ sk }))
    await db.queuePull({ pk: queue, ttlSeconds: 60 })
    const { done, left } = await act('message.delete', { messages })
    expect({ done, left: left.map(({ sk }) => sk) }).toEqual({ done: 2, left: [messages[0]!.sk] })
    expect(await shown()).toHaveLength(1)
  })

  it('in flight are deleted and released by the receipt that was shown, and by no older one', async () => {
    const { db, queue, act, shown } = await world(1)
    await db.queuePull({ pk: queue, ttlSeconds: 60 })
    const [{ sk, receipt }] = (await shown()) as unknown as [{ sk: string; receipt: string }]
    expect(await act('message.release', { messages: [{ sk, receipt: 'old' }] })).toMatchObject({ done: 0 })
    expect(await act('message.release', { messages: [{ sk, receipt }] })).toMatchObject({ done: 1 })
    expect((await shown())[0]).toMatchObject({ isProcessing: false, reason: 'released from the console' })
    expect(await act('message.release', { messages: [{ sk }] })).toMatchObject({ done: 0 })
    await db.queuePull({ pk: queue, ttlSeconds: 60 })
    expect(await act('message.delete', { messages: [{ sk, receipt }] })).toMatchObject({ done: 0 })
    expect(await shown()).toHaveLength(1)
  })

  it('are pushed again with another payload, behind the others, if they are as shown', async () => {
    const { act, shown, queue } = await world(2)
    const [first] = await shown()
    const given = { to: queue, json: '{"n":"mended"}', message: { sk: first!.sk } }
    expect(await act('message.edit', { ...given, shown: '{"n":7}' })).toMatchObject({ done: 0 })
    expect((await shown()).map(({ data }) => data)).toEqual([{ n: 0 }, { n: 1 }])
    expect(await act('message.edit', { ...given, shown: '{"n":0}' })).toMatchObject({ done: 1 })
    expect((await shown()).map(({ data }) => data)).toEqual([{ n: 1 }, { n: 'mended' }])
  })

  it('that a worker takes while they are edited are not handled twice', async () => {
    const { db, act, shown, queue } = await world(1)
    const [first] = await shown()
    await db.queuePull({ pk: queue, ttlSeconds: 60 })
    const given = { to: queue, json: '1', shown: '{"n":0}', message: { sk: first!.sk } }
    expect(await act('message.edit', given)).toMatchObject({ done: 0, left: [{ sk: first!.sk }] })
    expect(await shown()).toHaveLength(1)
  })

  it('that are dead go back, one by one or all, and not twice', async () => {
    const { db, queue, act } = await world(3)
    for (let i = 0; i < 3; i++) {
      const { item } = await db.queuePull({ pk: queue, ttlSeconds: 60 })
      await db.queueRelease(item!, { deadLetter: `${queue}#dead`, reason: 'broken' })
    }
    const dead = `${queue}#dead`
    const letters = () => db.queuePeek({ pk: dead, limit: 10 })
    const [first] = await letters()
    const selected = { pk: dead, confirm: dead, messages: [{ sk: first!.sk }] }
    expect(await act('message.redrive', selected)).toMatchObject({ done: 1, left: [] })
    expect(await act('message.redrive', selected)).toMatchObject({ done: 0, left: [{ sk: first!.sk }] })
    expect((await db.queuePeek({ pk: queue, limit: 10 })).map(({ data }) => data)).toEqual([first!.data])
    expect(await act('queue.redrive', { pk: dead, confirm: dead })).toMatchObject({ done: 2 })
    expect(await letters()).toEqual([])
    expect(await db.queuePeek({ pk: queue, limit: 10 })).toHaveLength(3)
  })

  it('are not given out while the queue is paused', async () => {
    const { db, queue, act } = await world(1)
    await act('queue.pause', {})
    expect(await db.queuePull({ pk: queue })).toEqual({ paused: true })
    await act('queue.resume', {})
    expect((await db.queuePull({ pk: queue })).item).toBeDefined()
  })
})
