import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import { optionsOf, optionsPlace, withOptions } from '../../src/model/call-options.ts'
import { contractMethods } from '../../src/model/effects.ts'

test('options are found at their place, and exchanged without touching the given arguments', () => {
  const args = [{ pk: 'p', sk: 's' }, { add: { n: 1 } }, { timeoutMs: 5 }] as const
  expect(optionsOf('update', args)).toBe(args[2])
  expect(withOptions('update', args, { timeoutMs: 7 })).toEqual([args[0], args[1], { timeoutMs: 7 }])
  expect(args[2]).toEqual({ timeoutMs: 5 })
  expect(withOptions('get', [args[0]], { timeoutMs: 7 })).toEqual([args[0], { timeoutMs: 7 }])
  expect(optionsOf('query', [{ pk: 'p', timeoutMs: 3 }])).toMatchObject({ timeoutMs: 3 })
})

test.each(contractMethods)('%s reads its time-out there', async (method) => {
  const db = new AtomicMemoryDb() as unknown as Record<string, (...args: unknown[]) => unknown>
  const args: unknown[] = [{ pk: 'p', sk: 's', from: 'd' }, {}, {}].slice(0, optionsPlace[method])
  const call = async () => {
    const answer = await db[method]!(...withOptions(method, args, { timeoutMs: -1 }))
    for await (const _ of (answer ?? []) as AsyncIterable<unknown>);
  }
  await expect(call()).rejects.toMatchObject({ code: 'InvalidInput' })
})

test('only query-like methods have them first, and those with a key and a change third', () => {
  const at = (place: number) => contractMethods.filter((method) => optionsPlace[method] === place).toSorted()
  expect(at(0)).toEqual(
    [
      'count',
      'page',
      'query',
      'queuePeek',
      'queuePull',
      'queuePullMany',
      'queueRedrive',
      'stream',
    ].toSorted(),
  )
  expect(at(2)).toEqual(['setAtomic', 'update'])
  expect(at(1)).toHaveLength(contractMethods.length - 8 - 2)
})
