import { type AtomicDbInterface, atomic, transaction } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { failure, fresh, onAllBackends } from './world.ts'

const made = (db: AtomicDbInterface) => {
  const teams = collection(db, fresh('teams'), {
    schema: typed<{ id: string; size: number }>(),
    key: 'id',
    referenced: true,
  })
  const users = collection(db, fresh('users'), {
    schema: typed<{ id: string; email: string; team?: string; n?: number }>(),
    key: 'id',
    unique: { email: 'email' },
    indexes: { team: { key: 'team', count: true } },
    references: { team: teams },
  })
  const queue = fresh('mails')
  const values = {
    values: {
      team: [{ team: 'red' }, { team: 'blue' }],
      email: ['a@x', 'b@x', 'c@x'].map((email) => ({ email })),
    },
  }
  return { teams, users, queue, values }
}

onAllBackends('collections in a transaction', (open) => {
  test('write together, with messages, and see what they have written', async () => {
    const db = open()
    const { teams, users, queue, values } = made(db)
    await db.queuePush({ pk: `${queue}-in`, data: 1 })
    const { item: message } = await db.queuePull({ pk: `${queue}-in` })
    await transaction(db, async (tx) => {
      await teams.in(tx).insert({ id: 'red', size: 0 })
      const inTx = users.in(tx)
      // Not awaited one by one: they are planned in turn.
      const both = [
        inTx.insert({ id: 'a', email: 'a@x', team: 'red' }),
        inTx.put({ id: 'b', email: 'b@x', team: 'red' }),
      ]
      await Promise.all(both)
      await teams.in(tx).update('red', { add: { size: 2 } })
      expect(await inTx.getBy('email', 'a@x')).toEqual({ id: 'a', email: 'a@x', team: 'red' })
      expect(await inTx.listBy('team', { team: 'red' })).toHaveLength(2)
      expect(await inTx.list()).toHaveLength(2)
      tx.queuePush({ pk: queue, data: 'welcome' })
      tx.queueAcknowledge(message!)
    })
    expect(await teams.get('red')).toEqual({ id: 'red', size: 2 })
    expect(await users.by('team').count({ team: 'red' })).toBe(2)
    expect(await db.queueStats(queue)).toMatchObject({ ready: 1 })
    expect(await db.queueStats(`${queue}-in`)).toMatchObject({ inFlight: 0, ready: 0 })
    expect((await users.verify(values)).problems).toEqual([])
  })

  test('refuse what cannot be, and write nothing then', async () => {
    const db = open()
    const { teams, users, values } = made(db)
    await teams.insert({ id: 'red', size: 0 })
    await users.insert({ id: 'a', email: 'a@x', team: 'red' })
    const tried = (work: (tx: Parameters<Parameters<typeof transaction>[1]>[0]) => Promise<unknown>) =>
      failure(transaction(db, work, { locks: false }))
    expect(await tried((tx) => users.in(tx).insert({ id: 'a', email: 'c@x' }))).toMatchObject({
      code: 'ConditionFailed',
    })
    expect(await tried((tx) => users.in(tx).insert({ id: 'b', email: 'a@x' }))).toMatchObject({
      code: 'NotUnique',
      owner: { id: 'a' },
    })
    expect(await tried((tx) => users.in(tx).insert({ id: 'b', email: 'b@x', team: 'no' }))).toMatchObject({
      code: 'ReferenceMissing',
    })
    expect(await tried((tx) => teams.in(tx).delete('red'))).toMatchObject({
      code: 'StillReferenced',
      count: 1,
    })
    await transaction(db, async (tx) => {
      await users.in(tx).delete('a')
      await teams.in(tx).delete('red')
      expect(await users.in(tx).update('a', { add: { n: 1 } })).toEqual({ applied: false })
      expect(await users.in(tx).get('a')).toBeUndefined()
    })
    expect([await teams.get('red'), await users.get('a')]).toEqual([undefined, undefined])
    expect((await users.verify(values)).problems).toEqual([])
  })

  test('swap unique values', async () => {
    const db = open()
    const { users, values } = made(db)
    await users.insert({ id: 'a', email: 'a@x' })
    await users.insert({ id: 'b', email: 'b@x' })
    await transaction(db, async (tx) => {
      await users.in(tx).update('a', { set: { email: 'c@x' } })
      await users.in(tx).update('b', { set: { email: 'a@x' } }, { if: { email: 'b@x' } })
      await users.in(tx).update('a', { set: { email: 'b@x' } })
    })
    expect(await users.by('email').get('a@x')).toMatchObject({ id: 'b' })
    expect(await users.by('email').get('b@x')).toMatchObject({ id: 'a' })
    expect(await users.by('email').get('c@x')).toBeUndefined()
    expect((await users.verify(values)).problems).toEqual([])
  })

  test('as operations of atomic', async () => {
    const db = open()
    const { teams, users, queue, values } = made(db)
    await teams.insert({ id: 'red', size: 0 })
    await users.insert({ id: 'a', email: 'a@x' })
    const outdated = await users.operations.update('a', { set: { email: 'c@x' } })
    await atomic(db)
      .add(...(await users.operations.insert({ id: 'b', email: 'b@x', team: 'red' })))
      .add(...(await users.operations.update('a', { set: { n: 5 } })))
      .add(...(await teams.operations.put({ id: 'red', size: 1 })))
      .queuePush({ pk: queue, data: 'hello' })
      .commit()
    expect(await users.by('email').get('b@x')).toMatchObject({ id: 'b' })
    expect(
      await failure(
        atomic(db)
          .add(...outdated)
          .commit(),
      ),
    ).toMatchObject({ code: 'RaceCondition' })
    await atomic(db)
      .add(...(await users.operations.delete('b')))
      .commit()
    expect(await failure(users.operations.update('b', { set: { n: 1 } }))).toMatchObject({
      code: 'ConditionFailed',
    })
    expect((await users.verify(values)).problems).toEqual([])
  })
})
