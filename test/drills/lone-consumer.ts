import type { AtomicDbQueueItem } from '../../src/interface.ts'
import type { Drill } from './world.ts'

const pk = 'alone'
const messages = 8

/** One consumer, and a network that works: each pull gives the first message that can be given out. */
export const loneConsumer: Drill = {
  name: 'queue, lone consumer',
  plan: () => ({
    contenders: 1,
    offsetMs: 0,
    stepMs: 0,
    freezeMs: 0,
    mortal: false,
    calm: true,
    async live({ db, random, history, anomaly, name }) {
      await db.queuePush(Array.from({ length: messages }, (_, id) => ({ pk, data: { id } })))
      /** When each can be given out, simulated ms. */
      const due = new Map(Array.from({ length: messages }, (_, id) => [id, 0]))
      const held = new Map<number, AtomicDbQueueItem<{ id: number }>>()
      for (let step = 0; step < 60; step++) {
        await db.runtime.sleep(random.between(0, 400))
        if (held.size > 0 && random.chance(0.4)) {
          const item = random.pick([...held.values()])
          held.delete(item.data.id)
          if (due.get(item.data.id)! <= history.now() + 100) continue
          await db.queueRelease(item)
          due.set(item.data.id, history.now())
          continue
        }
        const ttlSeconds = random.pick([2, 10, 60])
        const from = history.now()
        const id = history.invoke(name, 'pull', pk)
        const { item } = await db.queuePull<{ id: number }>({ pk, ttlSeconds })
        history.complete(id, 'ok', item?.data.id)
        const ready = [...due].filter(([, at]) => at <= from - 10).map(([one]) => one)
        const first = Math.min(...ready)
        if (ready.length > 0 && !(item && item.data.id <= first))
          anomaly('order', `${first} was there, and ${item?.data.id ?? 'nothing'} came`)
        if (!item) continue
        due.set(item.data.id, history.now() + ttlSeconds * 1000)
        held.set(item.data.id, item)
      }
    },
    check: () => [],
  }),
}
