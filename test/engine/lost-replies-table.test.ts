import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const engine = new URL('../../src/engine/', import.meta.url)
const source = (file: string): string => readFileSync(new URL(file, engine), 'utf8')
const table = source('lost-replies.ts')
  .split('*/')[0]!
  .split('\n')
  .filter((line) => line.startsWith(' * |'))
  .join('\n')
const named = [...table.matchAll(/[\w/-]+\.ts/g)].map(([file]) => file)

test('the files that the decision table points to are there', () => {
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((file) => !existsSync(new URL(file, engine)))).toEqual([])
})

test('whoever asks what became of a write, or looks at a doubt, is in the decision table', () => {
  const files = readdirSync(engine, { recursive: true }).map(String)
  const deciding = files.filter(
    (file) =>
      file.endsWith('.ts') &&
      file !== 'lost-replies.ts' &&
      /\b(applyOrRead|transactCertainly)\(|\.unanswered\b|kind === 'unknown'/.test(source(file)),
  )
  expect(deciding.length).toBeGreaterThan(5)
  expect(deciding.filter((file) => !named.includes(file))).toEqual([])
})
