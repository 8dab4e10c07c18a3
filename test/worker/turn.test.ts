import { expect, test } from 'vitest'
import { atOnce } from '../../src/worker/turn.ts'

test('a turn that nothing has to be waited for begins and ends at once', async () => {
  const abort = () => expect.unreachable()
  const end = await atOnce(AbortSignal.abort(), abort)
  expect(end()).toBe(undefined)
})
