import { StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { Token } from '../../../src/engine/transact/token.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const put = { op: 'put', row: { pk: 'p', sk: 'a' } } as const

/** A storage whose requests take so long before they leave, and before they are answered. */
function setUp() {
  const machine = new Machine(1e12)
  const times = { signing: 0, answering: 0 }
  const sent: string[] = []
  const storage = new MemoryStorage(machine)
  const transact = storage.transact.bind(storage)
  storage.transact = async (operations, token, options?: { beforeSending?: () => void }) => {
    machine.pass(times.signing)
    options?.beforeSending?.()
    sent.push(token)
    const failed = await transact(operations, token)
    machine.pass(times.answering)
    return failed
  }
  const context = newContext(storage, { runtime: machine })
  return { machine, times, sent, context, token: new Token(context) }
}
const minutes = (count: number) => count * 60_000
const refused = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => expect.unreachable(),
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(StorageFault)
  expect(error.kind).toBe('mismatch')
  return error as StorageFault
}

test('all tries carry one token, and those of another carry another', async () => {
  const { sent, context, token } = setUp()
  for (let i = 0; i < 2; i++) await token.send([put])
  await new Token(context).send([put])
  expect([sent[0] === sent[1], sent[0] === sent[2], sent.length]).toEqual([true, false, 3])
})

test('a try leaves up to four and a half minutes after the first one', async () => {
  const { machine, sent, token } = setUp()
  // It has no age before its first try.
  machine.pass(minutes(60))
  await token.send([put])
  machine.pass(minutes(4.5))
  await token.send([put])
  machine.pass(1)
  const error = await refused(token.send([put]))
  expect(sent).toHaveLength(2)
  expect([
    token.isExpiry(error),
    token.isExpiry(new StorageFault('mismatch', 'x')),
    token.isExpiry(undefined),
  ]).toEqual([true, false, false])
  expect(error.message).toContain('4.5 minutes')
})

test('a try that took too long to be signed does not leave', async () => {
  const { times, sent, token } = setUp()
  await token.send([put])
  times.signing = minutes(4.5) + 1
  await refused(token.send([put]))
  expect(sent).toHaveLength(1)
})

test('the token is taken up to nine and a half minutes after its first try, the answer included', async () => {
  const taken = setUp()
  await taken.token.send([put])
  taken.machine.pass(minutes(9.5))
  await refused(taken.token.take({ op: 'delete', key: { pk: 'p', sk: 'other' } }))
  const { machine, times, token } = setUp()
  times.answering = 0
  const first = new StorageFault('unknown', 'lost')
  expect(token.isExpiry(first)).toBe(false)
  await token.take(put)
  machine.pass(minutes(9.5))
  await token.take(put)
  times.answering = 1
  const error = await refused(token.take(put))
  expect(token.isExpiry(error)).toBe(true)
  expect(error.message).toContain('9.5 minutes')
})
