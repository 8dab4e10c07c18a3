import { type AtomicDbInterface, AtomicMemoryDb, BackendError } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { messagesOf, push } from '../../src/cli/commands/push.ts'
import { purge, redrive } from '../../src/cli/commands/queue.ts'
import { explain, Unfinished } from '../../src/cli/failures.ts'
import type { Work } from '../../src/cli/long-work.ts'

const messages = messagesOf(Buffer.from(Array.from({ length: 600 }, (_, i) => `${i}\n\n`).join('')), 'file')
const queue = 'q'
const signal = new AbortController().signal

/** Ctrl-C as soon as so much is done. */
function stoppedAt(at: number): Work & { seen: number[] } {
  const stop = new AbortController()
  const seen: number[] = []
  const onProgress = (done: number) => {
    seen.push(done)
    if (done >= at) stop.abort()
  }
  return { stop: stop.signal, onProgress, seen }
}

async function filled(n = 600, pk = queue): Promise<AtomicMemoryDb> {
  const db = new AtomicMemoryDb()
  await db.queuePush(Array.from({ length: n }, (_, data) => ({ pk, data })))
  return db
}

describe('long work', () => {
  it('push stops between batches', async () => {
    const db = new AtomicMemoryDb()
    const work = stoppedAt(200)
    const done = await push(db, queue, messages, {}, work)
    expect(done).toMatchObject({ done: 200, total: 600, stopped: true })
    expect(work.seen).toEqual([0, 100, 200])
    const there = await db.queuePeek({ pk: queue, limit: 1000 })
    expect(there.map(({ data }) => data)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(there.at(-1)?.sk).toBe(done.last)
  })

  it('push that fails says how far it came, with the line', async () => {
    const db = new AtomicMemoryDb()
    let calls = 0
    const failing = new Proxy<AtomicDbInterface>(db, {
      get(target, name) {
        if (name === 'queuePush' && ++calls > 2)
          return () => Promise.reject(new BackendError('not allowed here'))
        const member = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const error = await push(failing, queue, messages, {}, stoppedAt(600)).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Unfinished)
    // Every other line is empty.
    expect(explain(error, { table: 't', where: 'here' })).toBe(
      'pushed 200 of 600, up to file:399 and failed (some of what was under way may be done): not allowed here',
    )
  })

  it('purge stops between batches', async () => {
    const db = await filled()
    const done = await purge(
      db,
      queue,
      await db.queueStats(queue, { limit: Number.POSITIVE_INFINITY }),
      { signal },
      stoppedAt(250),
    )
    expect(done).toEqual({ done: 250, total: 600, stopped: true })
    expect(await db.queueStats(queue)).toMatchObject({ ready: 350 })
  })

  it('purge deletes what was counted, not for ever what comes', async () => {
    const db = await filled(300)
    const counted = await db.queueStats(queue)
    await db.queuePush(Array.from({ length: 500 }, () => ({ pk: queue })))
    const done = await purge(db, queue, counted, { signal }, stoppedAt(1000))
    expect(done).toEqual({ done: 300, total: 300, stopped: false })
    expect(await db.queueStats(queue)).toMatchObject({ ready: 500 })
  })

  it('redrive stops between batches, and ends where others were faster', async () => {
    const db = await filled(60, 'q#dead')
    const options = { from: 'q#dead', to: queue, signal }
    expect(await redrive(db, options, 60, stoppedAt(25))).toEqual({ done: 25, total: 60, stopped: true })
    expect(await redrive(db, options, 60, stoppedAt(1000))).toEqual({ done: 35, total: 60, stopped: false })
    expect(await db.queueStats(queue)).toMatchObject({ ready: 60, dead: 0 })
  })
})
