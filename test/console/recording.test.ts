import { AtomicMemoryDb, absent, InvalidInput, lockKey, transaction } from 'lockrow'
import { Recording } from 'lockrow/console'
import { describe, expect, it } from 'vitest'

const open = (limit?: number) => {
  const recording = new Recording({ limit })
  return { recording, db: recording.of(new AtomicMemoryDb({ onEvent: recording.onEvent })) }
}

describe('a recording', () => {
  it('keeps what was committed and refused, with keys and never with values', async () => {
    const { recording, db } = open()
    await db.set({ pk: 'a', sk: 'b', data: 'the secret' })
    await db.get({ pk: 'a', sk: 'b' })
    await db.update({ pk: 'a', sk: 'b' }, { set: { x: 1 } }, { if: absent })
    await db
      .transact([{ type: 'setIfAbsent', item: { pk: 'a', sk: 'b', data: 'the secret' } }])
      .catch(() => undefined)
    const calls = recording.calls()
    expect(calls.map(({ id, method, outcome }) => [id, method, outcome])).toEqual([
      [1, 'set', 'committed'],
      [2, 'update', 'refused'],
      [3, 'transact', 'refused'],
    ])
    expect(calls[2]).toMatchObject({
      error: expect.any(String),
      writes: [{ kind: 'setIfAbsent', key: 'a / b' }],
    })
    expect(JSON.stringify(calls)).not.toContain('secret')
    expect(recording.calls(2)).toHaveLength(1)
  })

  it('shows whose change a transaction collided with, and that it then went through', async () => {
    const { recording, db } = open()
    const key = { pk: 'stock', sk: 'boots' }
    await db.set({ ...key, data: { left: 5 } })
    let isFirst = true
    await transaction(db, async (tx) => {
      const item = await tx.get<{ left: number }>(key)
      if (isFirst) await db.update(key, { add: { left: -1 } })
      isFirst = false
      tx.set({ ...key, data: { left: item!.data.left - 1 } })
    })
    const transacts = recording.calls().filter(({ method }) => method === 'transact')
    expect(transacts.map(({ outcome }) => outcome)).toEqual(['refused', 'committed'])
    expect(transacts[0]).toMatchObject({ error: 'RaceCondition', conflicts: ['stock / boots'] })
  })

  it('names the messages that were pulled, and leaves out pulls that found nothing', async () => {
    const { recording, db } = open()
    await db.queuePull({ pk: 'q' })
    const [pushed] = await db.queuePush({ pk: 'q', data: 1 })
    await db.queuePull({ pk: 'q' })
    expect(recording.calls().map(({ method, writes }) => [method, writes[0]?.key])).toEqual([
      ['queuePush', 'q'],
      ['queuePull', `q / ${pushed!.sk}`],
    ])
  })

  it('adds repeats to the calls under way on the same keys', async () => {
    const { recording, db } = open()
    const key = { pk: 'a', sk: 'b' }
    const run = recording.record(db, 'set', [{ ...key, data: 1 }], async () => {
      recording.onEvent({ reason: 'throttled', keys: [key] })
      recording.onEvent({ reason: 'unavailable', keys: [{ pk: 'other', sk: 'b' }] })
    })
    await run
    expect(recording.calls()[0]!.retries).toEqual(['throttled'])
  })

  it('keeps the last ones', async () => {
    const { recording, db } = open(2)
    for (let i = 0; i < 5; i++) await db.set({ pk: 'a', sk: String(i), data: i })
    expect(recording.calls().map(({ id }) => id)).toEqual([4, 5])
    const locks = await db.getLock(lockKey({ pk: 'a', sk: '1' }))
    await db.setAtomic({ pk: 'a', sk: '1', data: 1 }, locks)
    expect(recording.calls().at(-1)!.writes).toEqual([
      { kind: 'set', key: 'a / 1' },
      { kind: 'bump', key: 'a / 1#lock' },
    ])
  })

  it('of no size is refused', () => {
    for (const limit of [0, -1, 1.5, '5']) expect(() => open(limit as never)).toThrow(InvalidInput)
  })
})
