import {
  type AtomicDbInterface,
  atomic,
  consume,
  InvalidInput,
  lockKey,
  RaceCondition,
  StaleReceipt,
  transaction,
  watch,
} from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

interface Account {
  balance: number
}

const fast = { baseMs: 2, maxMs: 20, attempts: 100 }

/** Runs at the first call only: a rival between the reads of a transaction and its commit. */
const onceOnly = (rival: () => Promise<unknown>) => {
  let done = false
  return async () => {
    if (done) return
    done = true
    await rival()
  }
}

onBothBackends('transaction', ({ open, pk }) => {
  it('moves money without losing any, between 8 clients', async () => {
    const part = pk()
    const keys = Array.from({ length: 4 }, (_, i) => ({ pk: part, sk: `account-${i}` }))
    await open().set(keys.map((key) => ({ ...key, data: { balance: 100 } })))
    const transfer = (db: AtomicDbInterface, n: number) =>
      transaction(
        db,
        async (tx) => {
          const [from, to] = await tx.getMany<Account>([keys[n % 4]!, keys[(n + 1) % 4]!])
          tx.set({ ...keys[n % 4]!, data: { balance: from!.data.balance - 1 } })
          tx.set({ ...keys[(n + 1) % 4]!, data: { balance: to!.data.balance + 1 } })
        },
        fast,
      )
    await Promise.all(
      Array.from({ length: 8 }, async (_, client) => {
        const db = open()
        for (let i = 0; i < 5; i++) await transfer(db, client + i)
      }),
    )
    const after = await open().getMany<Account>(keys)
    expect(after.reduce((sum, item) => sum + item!.data.balance, 0)).toBe(400)
  })

  it('prevents write skew: two doctors cannot both leave', async () => {
    const part = pk()
    const doctors = ['ann', 'bob'].map((sk) => ({ pk: part, sk }))
    await open().set(doctors.map((key) => ({ ...key, data: { onCall: true } })))
    const leave = (who: number) =>
      transaction(
        open(),
        async (tx) => {
          const all = await tx.getMany<{ onCall: boolean }>(doctors)
          if (all.filter((doctor) => doctor!.data.onCall).length < 2) return false
          tx.set({ ...doctors[who]!, data: { onCall: false } })
          return true
        },
        fast,
      )
    const left = await Promise.all([leave(0), leave(1)])
    expect(left.filter(Boolean)).toHaveLength(1)
  })

  it('sees a change between read and commit, also of what it only read, and runs again', async () => {
    const part = pk()
    const db = open()
    await db.set({ pk: part, sk: 'rate', data: 2 })
    const rival = onceOnly(() =>
      transaction(open(), (tx) => {
        tx.set({ pk: part, sk: 'rate', data: 3 })
      }),
    )
    let runs = 0
    await transaction(
      db,
      async (tx) => {
        runs++
        const rate = await tx.get<number>({ pk: part, sk: 'rate' })
        await rival()
        tx.set({ pk: part, sk: 'price', data: rate!.data * 10 })
      },
      fast,
    )
    expect(runs).toBe(2)
    expect(await db.get({ pk: part, sk: 'price' })).toMatchObject({ data: 30 })
  })

  it('covers what was not there: two who create the same item do not both succeed', async () => {
    const part = pk()
    const results = await Promise.all(
      [1, 2].map((n) =>
        transaction(
          open(),
          async (tx) => {
            if (await tx.get({ pk: part, sk: 'seat' })) return 'taken'
            tx.set({ pk: part, sk: 'seat', data: n })
            return 'mine'
          },
          fast,
        ),
      ),
    )
    expect(results.sort()).toEqual(['mine', 'taken'])
  })

  it('reads its own writes, and the same twice', async () => {
    const part = pk()
    const key = { pk: part, sk: 'a' }
    const db = open()
    await db.set([
      { ...key, data: { n: 1 } },
      { pk: part, sk: 'b', data: { n: 2 } },
    ])
    const rival = onceOnly(() => db.set({ ...key, data: { n: 2 } }))
    await transaction(db, async (tx) => {
      const first = await tx.get<{ n: number }>(key)
      const { n } = first!.data
      await rival()
      expect(await tx.get(key)).toEqual(first)
      expect(await tx.update(key, { add: { n: 5 } })).toMatchObject({ data: { n: n + 5 } })
      tx.delete({ pk: part, sk: 'b' })
      tx.set({ pk: part, sk: 'c', data: { n: 3 } })
      expect(await tx.get({ pk: part, sk: 'b' })).toBeUndefined()
      expect((await tx.query({ pk: part })).map((item) => [item.sk, item.data])).toEqual([
        ['a', { n: n + 5 }],
        ['c', { n: 3 }],
      ])
      expect((await tx.query({ pk: part, reverse: true, limit: 1 })).map((item) => item.sk)).toEqual(['c'])
      const mine = await tx.get<{ n: number }>(key)
      mine!.data.n = 1000
      expect(await tx.get(key)).toMatchObject({ data: { n: n + 5 } })
    })
    expect(await db.get(key)).toMatchObject({ data: { n: 7 } })
    expect((await db.query({ pk: part })).map((item) => item.sk)).toEqual(['a', 'c'])
  })

  it('leaves no trace when the callback throws', async () => {
    const part = pk()
    const db = open()
    await expect(
      transaction(db, async (tx) => {
        tx.set({ pk: part, sk: 'a', data: 1 })
        tx.queuePush({ pk: `${part}-q`, data: 1 })
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await db.query({ pk: part })).toEqual([])
    expect(await db.queuePull({ pk: `${part}-q` })).toEqual({})
  })

  it('does not believe an error that reads of different moments caused', async () => {
    const part = pk()
    const db = open()
    const [a, b] = ['a', 'b'].map((sk) => ({ pk: part, sk })) as [
      { pk: string; sk: string },
      { pk: string; sk: string },
    ]
    await db.set([a, b].map((key) => ({ ...key, data: 1 })))
    const rival = onceOnly(() =>
      transaction(open(), (tx) => {
        tx.set([{ ...a, data: 2 }][0]!)
        tx.set({ ...b, data: 2 })
      }),
    )
    let runs = 0
    const sum = await transaction(
      db,
      async (tx) => {
        runs++
        const first = await tx.get<number>(a)
        await rival()
        const second = await tx.get<number>(b)
        if (first!.data !== second!.data) throw new Error('invariant broken')
        return first!.data + second!.data
      },
      fast,
    )
    expect([runs, sum]).toEqual([2, 4])
  })

  it('gives up after its attempts and says what conflicted', async () => {
    const part = pk()
    const key = { pk: part, sk: 'hot' }
    let rivals = 0
    const error = await transaction(
      open(),
      async (tx) => {
        await tx.get(key)
        const lock = await open().getLock(lockKey(key))
        await open().setAtomic({ ...key, data: `rival ${++rivals}` }, lock)
        tx.set({ ...key, data: 'mine' })
      },
      { attempts: 3, baseMs: 1 },
    ).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(RaceCondition)
    expect(error).toMatchObject({
      attempts: 3,
      conflicts: [{ key, reason: 'value', current: { data: 'rival 3' } }],
    })
  })

  it('stops at the deadline and at the signal', async () => {
    const part = pk()
    const conflicting = async (tx: {
      get(key: { pk: string; sk: string }): Promise<unknown>
      set(item: { pk: string; sk: string; data: number }): void
    }) => {
      await tx.get({ pk: part, sk: 'x' })
      await open().update({ pk: part, sk: 'x' }, { add: { n: 1 } })
      tx.set({ pk: part, sk: 'x', data: 1 })
    }
    await expect(
      transaction(open(), conflicting, { attempts: 1000, deadlineMs: 30, baseMs: 1 }),
    ).rejects.toBeInstanceOf(RaceCondition)
    await expect(
      transaction(open(), conflicting, { attempts: 1000, timeoutMs: 200, baseMs: 1 }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/RaceCondition|BackendError|OutcomeUnknown/) })
    const abort = new AbortController()
    abort.abort(new Error('stop'))
    await expect(transaction(open(), conflicting, { signal: abort.signal })).rejects.toThrow('stop')
  })

  it('refuses what cannot fit, with a count of where it comes from', async () => {
    const part = pk()
    const big = transaction(open(), (tx) => {
      for (let i = 0; i < 51; i++) tx.set({ pk: part, sk: `i${i}`, data: i })
    })
    await expect(big).rejects.toMatchObject({
      code: 'InvalidInput',
      limit: 100,
      given: '102: 0 items read, 50 written with their locks, 0 messages, and 2 of this call',
    })
    const strange = (tx: { set(item: { pk: string; sk: string; data: unknown }): void }) =>
      tx.set({ pk: part, sk: 'a', data: { when: new Date() } })
    await expect(transaction(open(), strange)).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'item.data.when',
    })
    await expect(transaction(open(), () => 1, { attempts: 0 })).rejects.toBeInstanceOf(InvalidInput)
  })

  it('consumes exactly once: writes, sends and acknowledgement commit together', async () => {
    const queue = pk()
    const db = open()
    await db.queuePush({ pk: queue, data: { order: 1 } })
    const first = (await db.queuePull<{ order: number }>({ pk: queue, ttlSeconds: 1 })).item!
    await db.queueRelease({ pk: first.pk, sk: first.sk })
    const second = (await db.queuePull<{ order: number }>({ pk: queue })).item!
    const handle = (message: typeof first) =>
      consume(db, message, async (tx) => {
        await tx.update({ pk: queue, sk: '~count' }, { add: { handled: 1 } })
        tx.queuePush({ pk: `${queue}-out`, data: message.data })
      })
    await handle(second)
    // The first holder wakes up late: its message is done, its work must leave no trace.
    await expect(handle(first)).rejects.toBeInstanceOf(StaleReceipt)
    expect(await db.get({ pk: queue, sk: '~count' })).toMatchObject({ data: { handled: 1 } })
    expect((await db.queuePullMany({ pk: `${queue}-out`, limit: 10 })).items).toHaveLength(1)
    expect(await db.queueStats(queue)).toMatchObject({ ready: 0, inFlight: 0 })
  })

  it('builds a transaction step by step', async () => {
    const part = pk()
    const db = open()
    await db.set({ pk: part, sk: 'stock', data: { left: 3 } })
    await db.queuePush({ pk: `${part}-in`, data: 'go' })
    const { item } = await db.queuePull({ pk: `${part}-in` })
    const guard = await db.getLock({ pk: part, sk: 'guard#lock' })
    const other = await db.getLock({ pk: part, sk: 'other#lock' })
    const { locks, pushed } = await atomic(db)
      .check(guard)
      .bump(other)
      .update({ pk: part, sk: 'stock' }, { add: { left: -1 } }, { if: { left: { gte: 1 } } })
      .set({ pk: part, sk: 'order', data: 1 })
      .setIfAbsent({ pk: part, sk: 'unique', data: 1 })
      .delete({ pk: part, sk: 'none' })
      .queuePush([
        { pk: `${part}-out`, data: 1 },
        { pk: `${part}-out`, data: 2 },
      ])
      .queueAcknowledge(item!)
      .commit({ idempotencyKey: part })
    expect(locks.map((lock) => lock.version === guard.version || lock.version === other.version)).toEqual([
      true,
      false,
    ])
    expect(pushed.map((message) => message.data)).toEqual([1, 2])
    expect(await db.get({ pk: part, sk: 'stock' })).toMatchObject({ data: { left: 2 } })
    const again = atomic(db).bump(other).setIfAbsent({ pk: part, sk: 'unique', data: 2 }).commit()
    await expect(again).rejects.toMatchObject({
      code: 'RaceCondition',
      conflicts: [
        { index: 0, reason: 'lock', current: { version: locks[1]!.version } },
        { index: 1, reason: 'exists', current: { data: 1 } },
      ],
    })
  })

  it('watches an item', async () => {
    const key = { pk: pk(), sk: 'watched' }
    const db = open()
    const seen: unknown[] = []
    for await (const item of watch<number>(db, key, { intervalMs: 2, maxIntervalMs: 4, consistent: true })) {
      seen.push(item?.data)
      if (seen.length === 1) await db.set({ ...key, data: 1 })
      if (seen.length === 2) await db.delete(key)
      if (seen.length === 3) break
    }
    expect(seen).toEqual([undefined, 1, undefined])
  })
})
