import { type AtomicDbInterface, atomic, RaceCondition, transaction } from 'lockrow'
import { AtomicEngine, ForwardingDb, type Storage } from 'lockrow/backend'
import { migrate, NewerVersion } from 'lockrow/collections'
import { TestRuntime } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { ended, filled, first, hour, minute, rate, second } from './migration/world.ts'
import { failure } from './world.ts'

describe('programs of earlier versions', () => {
  test('can be refused: then it ends half an hour later at the latest', async () => {
    const { old, young, pass } = await filled(10)
    expect((await migrate(young, { ...rate, refuseEarlier: true })).state).toBe('waiting')
    await old.insert({ id: 'still', email: 'still@d1' })
    pass(25 * minute)
    expect(await failure(old.insert({ id: 'no', email: 'no' }))).toBeInstanceOf(NewerVersion)
    expect((await migrate(young, rate)).state).toBe('waiting')
    pass(15 * minute)
    expect((await migrate(young, rate)).state).toBe('complete')
    expect((await young.verify()).items).toBe(11)
  })

  test('that go on writing are waited for', async () => {
    const { old, young, pass } = await filled(5)
    for (let i = 0; i < 6; i++) {
      pass(20 * minute)
      await old.insert({ id: `more${i}`, email: `more${i}` })
      expect((await migrate(young, rate)).state).toBe('waiting')
    }
    pass(ended)
    expect((await migrate(young, rate)).state).toBe('complete')
    expect((await young.verify()).items).toBe(11)
  })

  /** Holds back the writes of a process: it is frozen between its decision and its request. */
  class Frozen extends ForwardingDb {
    thaw: (() => void) | undefined
    protected override forward(...[method, args]: Parameters<ForwardingDb['forward']>): never {
      const call = () => super.forward(method, args) as Promise<unknown>
      if (method !== 'transact' && method !== 'update') return call() as never
      if (!this.isFrozen) return call() as never
      return new Promise<void>((resolve) => {
        this.thaw = resolve
      }).then(call) as never
    }
    isFrozen = false
  }

  test('one that was frozen for hours and then sends its write is refused, and plans it again', async () => {
    const runtime = new TestRuntime()
    const memory = new MemoryStorage(runtime)
    const sending = {
      read: memory.read.bind(memory),
      readTogether: memory.readTogether.bind(memory),
      page: memory.page.bind(memory),
      scan: memory.scan.bind(memory),
      write: ((writes, options) => {
        options.beforeSending?.()
        return memory.write(writes)
      }) as Storage['write'],
      apply: ((operation, options) => {
        options.beforeSending?.()
        return memory.apply(operation)
      }) as Storage['apply'],
      transact: ((operations, token, options) => {
        options.beforeSending?.()
        return memory.transact(operations, token)
      }) as Storage['transact'],
    }
    const frozen = new Frozen(new AtomicEngine(sending, { runtime }))
    const db: AtomicDbInterface = new AtomicEngine(sending, { runtime })
    const [old, young] = [first(frozen), second(db)]
    await old.insert({ id: 'a', email: 'a@d' })
    frozen.isFrozen = true
    const ways: (() => Promise<unknown>)[] = [
      () => old.insert({ id: 'b', email: 'b@d', team: 'x' }),
      () => transaction(frozen, (tx) => old.in(tx).insert({ id: 'c', email: 'c@d' }), { locks: false }),
      async () =>
        atomic(frozen)
          .add(...(await old.operations.insert({ id: 'd', email: 'd@d' })))
          .commit(),
    ]
    const held: { end: Promise<unknown>; thaw: () => void }[] = []
    for (const way of ways) {
      frozen.thaw = undefined
      const end = failure(way())
      while (!frozen.thaw) await new Promise((resolve) => setImmediate(resolve))
      held.push({ end, thaw: frozen.thaw })
    }
    runtime.advance(2 * hour)
    expect((await migrate(young, rate)).state).toBe('complete')
    frozen.isFrozen = false
    for (const { thaw } of held) thaw()
    const [insert, inTransaction, operations] = await Promise.all(held.map(({ end }) => end))
    expect(insert).toBeInstanceOf(NewerVersion)
    expect(inTransaction).toBeInstanceOf(NewerVersion)
    expect(operations).toBeInstanceOf(RaceCondition)
    expect(await young.count()).toBe(1)
    expect((await young.verify()).problems).toEqual([])
  })

  test('a clock that is set back keeps nobody registered for longer', async () => {
    const { runtime, old, young, pass } = await filled(3)
    pass(21 * minute)
    const now = runtime.now
    runtime.now = () => now() - 21 * minute
    await migrate(young, { ...rate, refuseEarlier: true })
    // By its own clock it would still be within its time.
    expect(await failure(old.insert({ id: 'b', email: 'b' }))).toBeInstanceOf(NewerVersion)
  })
})
