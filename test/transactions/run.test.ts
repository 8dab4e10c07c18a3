import { AtomicMemoryDb, consume, InvalidInput, Rollback, type Transaction, transaction } from 'lockrow'
import { ForwardingDb } from 'lockrow/backend'
import { describe, expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

onBothBackends('the life of a transaction', ({ open, pk }) => {
  it('a forgotten await loses nothing', async () => {
    const part = pk()
    const keys = ['a', 'b', 'c'].map((sk) => ({ pk: part, sk }))
    const db = open()
    await db.set(keys.map((key) => ({ ...key, data: { n: 1 } })))
    const readLater = async (tx: Transaction, key: (typeof keys)[0]) => (await tx.get<{ n: number }>(key))!
    await transaction(db, (tx) => {
      void tx.update(keys[0]!, { add: { n: 1 } })
      keys.slice(1).forEach(async (key) => {
        const item = await readLater(tx, key)
        tx.set({ ...item, data: { n: item.data.n + 1 } })
        void tx.update(key, { add: { n: 1 } })
      })
    })
    expect((await db.getMany<{ n: number }>(keys)).map((item) => item!.data.n)).toEqual([2, 3, 3])
  })

  it('calls on one item count in their order, awaited or not', async () => {
    const part = pk()
    const key = { pk: part, sk: 'a' }
    const db = open()
    await db.set({ ...key, data: { n: 1 } })
    const answers = await transaction(db, async (tx) => {
      const before = tx.get(key)
      const first = tx.update(key, { add: { n: 1 } })
      const between = tx.get(key)
      tx.set({ ...key, data: { n: 10 } })
      const second = tx.update(key, { add: { n: 1 } })
      tx.delete(key)
      const none = tx.get(key)
      const last = tx.update(key, { add: { n: 5 } })
      return Promise.all([before, first, between, second, none, last])
    })
    expect(answers.map((item) => (item?.data as { n: number } | undefined)?.n)).toEqual([
      1,
      2,
      2,
      11,
      undefined,
      5,
    ])
    expect(await db.get(key)).toMatchObject({ data: { n: 5 } })
  })

  it('an update that does not fit is refused, and leaves what was there', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = open()
    await db.set({ ...key, data: { text: 'x', n: 1 } })
    await transaction(db, async (tx) => {
      await expect(tx.update(key, { add: { text: 1 } })).rejects.toBeInstanceOf(InvalidInput)
      await tx.update(key, { add: { n: 1 } })
      await expect(tx.update(key, { add: { text: 1 } })).rejects.toBeInstanceOf(InvalidInput)
    })
    expect(await db.get(key)).toMatchObject({ data: { text: 'x', n: 2 } })
    const forgotten = transaction(db, (tx) => {
      void tx.update(key, { add: { text: 1 } })
      void tx.update(key, { add: { n: 1 } })
    })
    await expect(forgotten).rejects.toBeInstanceOf(InvalidInput)
    expect(await db.get(key)).toMatchObject({ data: { n: 2 } })
  })

  it('rollback leaves without writing and without an error, also where it is caught', async () => {
    const key = { pk: pk(), sk: 'a' }
    const db = open()
    const leave: ((tx: Transaction) => unknown)[] = [
      (tx) => tx.rollback('left'),
      () => {
        throw new Rollback('left')
      },
      (tx) => {
        try {
          tx.rollback('left')
        } catch {}
        return 'went on'
      },
    ]
    for (const how of leave) {
      const result = await transaction(db, (tx) => {
        tx.set({ ...key, data: 1 })
        return how(tx)
      })
      expect(result).toBe('left')
      expect(await db.get(key)).toBeUndefined()
    }
    expect(await transaction(db, (tx) => tx.rollback())).toBeUndefined()
    const refused = await transaction(db, (tx) => {
      tx.set({ ...key, data: 'committed' })
      return { ok: false }
    })
    expect(refused).toEqual({ ok: false })
    expect(await db.get(key)).toMatchObject({ data: 'committed' })
  })

  it('a rollback or an error that a torn view caused does not count', async () => {
    const part = pk()
    const [a, b] = [
      { pk: part, sk: 'a' },
      { pk: part, sk: 'b' },
    ]
    for (const conclude of [
      (tx: Transaction) => tx.rollback('torn'),
      () => {
        throw new Error('torn')
      },
    ]) {
      const db = open()
      await db.set([a, b].map((key) => ({ ...key, data: 1 })))
      let runs = 0
      const result = await transaction(db, async (tx) => {
        const first = await tx.get<number>(a)
        if (runs++ === 0) await db.transact([a, b].map((key) => ({ type: 'set', item: { ...key, data: 2 } })))
        const second = await tx.get<number>(b)
        if (first!.data !== second!.data) conclude(tx)
        return [first!.data, second!.data]
      })
      expect([runs, result]).toEqual([2, [2, 2]])
    }
  })

  it('a message that is left by rollback comes again', async () => {
    const queue = pk()
    const db = open()
    await db.queuePush({ pk: queue, data: 1 })
    const { item } = await db.queuePull({ pk: queue })
    expect(await consume(db, item!, (tx) => tx.rollback('later'))).toBe('later')
    await db.queueRelease(item!)
    expect((await db.queuePull({ pk: queue })).item).toMatchObject({ data: 1 })
  })
})

describe('misuse', () => {
  it('tx after its callback is refused', async () => {
    const db = new AtomicMemoryDb()
    let kept: Transaction | undefined
    await transaction(db, (tx) => {
      kept = tx
    })
    const tx = kept!
    const late = { code: 'InvalidInput', field: 'tx' }
    const key = { pk: 'p', sk: 'a' }
    for (const call of [
      () => tx.set({ ...key, data: 1 }),
      () => tx.delete(key),
      () => tx.queuePush({ pk: 'q' }),
      () => tx.queueAcknowledge(key),
      () => tx.rollback(),
    ])
      expect(call).toThrow(expect.objectContaining(late))
    for (const call of [
      () => tx.get(key),
      () => tx.getMany([key]),
      () => tx.query({ pk: 'p' }),
      () => tx.update(key, { add: { n: 1 } }),
    ])
      await expect(call()).rejects.toMatchObject(late)
    expect(await db.query({ pk: 'p' })).toEqual([])
  })

  it('there is no commit inside, and what cannot be is refused at once', async () => {
    const db = new AtomicMemoryDb()
    const invalid = expect.objectContaining({ code: 'InvalidInput' })
    await transaction(db, async (tx) => {
      expect('commit' in tx || 'verify' in tx).toBe(false)
      expect(() => tx.set({ pk: 'p', sk: '' })).toThrow(invalid)
      expect(() => tx.delete({ pk: 'p' } as never)).toThrow(invalid)
      expect(() => tx.queuePush({ pk: 'q', group: '' })).toThrow(invalid)
      expect(() => tx.queuePush({ pk: 'q', deduplicationId: '' })).toThrow(invalid)
      expect(() => tx.queueAcknowledge({ pk: 'q' } as never)).toThrow(invalid)
      await expect(tx.get({ pk: '' } as never)).rejects.toEqual(invalid)
      await expect(tx.getMany('p' as never)).rejects.toEqual(invalid)
      await expect(tx.update({ pk: 'p', sk: 'a' }, {} as never)).rejects.toEqual(invalid)
      await expect(tx.query({} as never)).rejects.toEqual(invalid)
    })
    for (const options of [
      { lock: false },
      { locks: 1 },
      { attempts: 0 },
      { baseMs: -1 },
      { deadlineMs: Number.NaN },
    ])
      await expect(transaction(db, () => 1, options as never)).rejects.toEqual(invalid)
    await expect(transaction(db, undefined as never)).rejects.toEqual(invalid)
    await expect(consume(db, { pk: 'q', sk: 'a' } as never, () => 1)).rejects.toEqual(invalid)
  })

  it('a read that fails is the failure, is not verified, and may be tried again', async () => {
    class Failing extends ForwardingDb {
      failures = 1
      override async getMany(...args: Parameters<ForwardingDb['getMany']>): Promise<never[]> {
        if (this.failures-- > 0) throw new Error('no connection')
        return (await super.forward('getMany', args)) as never[]
      }
    }
    const key = { pk: 'p', sk: 'a' }
    const memory = new AtomicMemoryDb()
    await memory.set({ ...key, data: 1 })
    await expect(transaction(new Failing(memory), (tx) => tx.get(key))).rejects.toThrow('no connection')
    const again = await transaction(new Failing(memory), async (tx) => {
      const first = tx.get(key)
      tx.set({ ...key, data: 2 })
      await expect(first).rejects.toThrow('no connection')
      return tx.get(key)
    })
    expect(again).toMatchObject({ data: 2 })
    expect(await memory.get(key)).toMatchObject({ data: 2 })
  })

  it('what a callback started and left behind is not lost without a sound', async () => {
    const db = new AtomicMemoryDb()
    const late: unknown[] = []
    await transaction(db, (tx) => {
      turn()
        .then(() => tx.set({ pk: 'p', sk: 'late', data: 1 }))
        .catch((error) => late.push(error))
    })
    await turn()
    await turn()
    expect(late).toEqual([expect.objectContaining({ code: 'InvalidInput', field: 'tx' })])
  })
})
