import { expect, test } from 'vitest'
import { runInOrder } from '../../src/worker/in-order.ts'

const { signal } = new AbortController()
const turn = () => new Promise(setImmediate)

/** Work that ends when it is told to. */
function setUp() {
  const begun: string[] = []
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const work = (of: string) => {
    begun.push(of)
    return new Promise<void>((resolve, reject) => ends.set(of, { resolve, reject }))
  }
  const end = async (of: string) => {
    ends.get(of)!.resolve()
    await turn()
  }
  const fail = async (of: string, error = new Error(of)) => {
    ends.get(of)!.reject(error)
    await turn()
    return error
  }
  const run = (list: string[], most = 10, until: AbortSignal = signal) =>
    runInOrder(list, most, until, (of) => of[0]!, work)
  return { begun, end, fail, run }
}

test('those with one key come one after the other, those with others at once', async () => {
  const { begun, end, run } = setUp()
  const done = run(['a1', 'b1', 'a2', 'b2'])
  await turn()
  expect(begun).toEqual(['a1', 'b1'])
  // a2 stands before b2 in the list, and is waited for.
  await end('b1')
  expect(begun).toEqual(['a1', 'b1'])
  await end('a1')
  expect(begun).toEqual(['a1', 'b1', 'a2', 'b2'])
  await end('a2')
  await end('b2')
  expect(await done).toEqual([])
})

test('at most so many are at work', async () => {
  const { begun, end, run } = setUp()
  const done = run(['a', 'b', 'c', 'd'], 2)
  await turn()
  expect(begun).toEqual(['a', 'b'])
  await end('b')
  expect(begun).toEqual(['a', 'b', 'c'])
  for (const of of ['a', 'c', 'd']) await end(of)
  expect(await done).toEqual([])
})

test('after a failure nothing begins, what is at work is waited for, and failures are in the order of the list', async () => {
  const { begun, end, fail, run } = setUp()
  let result: unknown
  const done = run(['a1', 'b1', 'c1', 'a2', 'd1']).then((failures) => {
    result = failures
  })
  await turn()
  const second = await fail('c1')
  const first = await fail('a1')
  expect([begun, result]).toEqual([['a1', 'b1', 'c1'], undefined])
  await end('b1')
  await done
  expect(result).toEqual([
    { of: 'a1', error: first },
    { of: 'c1', error: second },
  ])
})

test('a failure ends the wait for a place as well', async () => {
  const { begun, end, fail, run } = setUp()
  const done = run(['a', 'b', 'c'], 2)
  await turn()
  const error = await fail('b')
  expect(begun).toEqual(['a', 'b'])
  await end('a')
  expect(await done).toEqual([{ of: 'b', error }])
})

test('once the signal is aborted, the first one that was not begun counts as failed, and no other begins', async () => {
  const { begun, end, run } = setUp()
  const stop = new AbortController()
  const done = run(['a1', 'a2', 'a3', 'b1'], 10, stop.signal)
  await turn()
  stop.abort(new Error('over'))
  await end('a1')
  expect(await done).toEqual([{ of: 'a2', error: stop.signal.reason }])
  expect(begun).toEqual(['a1'])
})

test('an empty list is done', async () => {
  expect(await runInOrder([], 1, AbortSignal.abort(), String, async () => {})).toEqual([])
})
