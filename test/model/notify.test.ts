import { expect, test } from 'vitest'
import { notify } from '../../src/model/notify.ts'

test('what an observer throws or rejects with is ignored', async () => {
  const seen: string[] = []
  const broken = (event: string) => {
    seen.push(event)
    throw new Error('the logger is broken')
  }
  notify(broken, 'throws')
  notify(async (event: string) => broken(event), 'rejects')
  notify(undefined, 'nobody listens')
  await new Promise(setImmediate)
  expect(seen).toEqual(['throws', 'rejects'])
})
