import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { allMutants } from './random/draw.ts'
import { runRandom } from './random/main.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = 'src/model/token-memory.ts'
const own = 'test/model/token-memory.test.ts'

test('in short: what the tests notice is killed, and what makes no difference to them survives', async () => {
  const all = allMutants(root)
  const idOf = (from: string, to: string): string =>
    all.find((mutant) => mutant.file === file && mutant.from === from && mutant.to === to)!.id
  const killed = idOf('10_000', '9999')
  const survivor = idOf('this.#start > maxTokens', 'this.#start >= maxTokens')
  const { outcomes, unjudged } = await runRandom({
    root,
    sample: 0,
    seed: '',
    only: [killed, survivor],
    tests: [own],
    workers: 1,
    dynamoEndpoint: inject('dynamoEndpoint'),
  })
  expect(unjudged).toBe(0)
  expect(outcomes.map(({ mutant, fate }) => [mutant.id, fate])).toEqual([
    [killed, 'killed'],
    [survivor, 'survived'],
  ])
}, 120_000)
