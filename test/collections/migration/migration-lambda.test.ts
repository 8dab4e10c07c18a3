import { migrationLambda } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { ended, filled } from './world.ts'

/** An invocation with so much time that one page is done, or none. */
const context = (ms: number) => {
  const until = performance.now() + ms
  return { getRemainingTimeInMillis: () => until - performance.now() } as never
}

test('each invocation goes on where the one before has ended, and asks for the next one', async () => {
  const { young, pass } = await filled(450)
  pass(ended)
  let again = 0
  const handler = migrationLambda([young], { wruPerSecond: 1e9, reserveMs: 10, again: () => again++ })
  let left = 50
  let result = await handler({}, context(12))
  while (!result.done && left-- > 0) result = await handler({}, context(12))
  expect(result).toMatchObject({ done: true, collections: [{ state: 'complete' }] })
  expect(again).toBeGreaterThan(0)
  expect((await young.verify()).problems).toEqual([])
  expect(await handler({}, context(5))).toEqual({ done: false, collections: [] })
})

test('waiting for programs of earlier versions is not done, and asks for nothing', async () => {
  const { young } = await filled(5)
  let again = 0
  const handler = migrationLambda([young], { wruPerSecond: 1e9, again: () => again++ })
  expect(await handler({}, context(60_000))).toMatchObject({
    done: false,
    collections: [{ state: 'waiting' }],
  })
  expect(again).toBe(0)
})

test('refuses what is no collection, and options that cannot be', async () => {
  const { young } = await filled(0)
  const wrong: [unknown[], object, string][] = [
    [[], {}, 'collections'],
    [[{}], {}, 'collections[0]'],
    [[young], { reserveMs: -1 }, 'options.reserveMs'],
    [[young], { rate: 1 }, 'options.rate'],
    [[young], { wruPerSecond: 0 }, 'options.wruPerSecond'],
    [[young], { again: 1 }, 'options.again'],
  ]
  for (const [collections, options, field] of wrong)
    expect(() => migrationLambda(collections as object[], options)).toThrow(
      expect.objectContaining({ field }),
    )
})
