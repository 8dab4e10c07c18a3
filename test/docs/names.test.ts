import { describe, expect, it } from 'vitest'
import {
  anchoredIn,
  anchorsOf,
  commandsIn,
  guides,
  isThere,
  linksIn,
  pathsIn,
  scripts,
  textOf,
} from './named.ts'

/** The guides name files and commands that are there. */
describe.each(guides)('%s', (page) => {
  const text = textOf(page)

  it('names paths of the repository that exist', () => {
    expect(pathsIn(text).filter((path) => !isThere(path))).toEqual([])
  })

  it('links to pages that exist', () => {
    expect(linksIn(page, text).filter((path) => !isThere(path))).toEqual([])
  })

  it('links to headings that exist', () => {
    const dead = anchoredIn(page, text).filter(([to, anchor]) => !anchorsOf(textOf(to)).has(anchor))
    expect(dead).toEqual([])
  })

  it('names npm scripts that exist', () => {
    expect(commandsIn(text).filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })
})

describe('the checks themselves', () => {
  const page = 'docs/x.md'
  const text = `
    See [a](../src/none.ts#L3), [b](queue.md), [c](https://x.org/src/y.ts), \`src/none/two.ts\`, (test/cli).
    \`npm run none:here -- --x\`, npm run -s synth, './src/no.ts', lockrow/src/no.ts.`

  it('find what is named', () => {
    expect(pathsIn(text)).toEqual(['src/none/two.ts', 'test/cli'])
    expect(linksIn(page, text)).toEqual(['src/none.ts', 'docs/queue.md'])
    expect(commandsIn(text)).toEqual(['none:here', 'synth'])
  })

  it('miss what is not there', () => {
    expect(pathsIn(text).filter((path) => !isThere(path))).toEqual(['src/none/two.ts'])
    expect(linksIn(page, text).filter((path) => !isThere(path))).toEqual(['src/none.ts'])
  })

  it('tell headings from what only looks like one', () => {
    const text =
      '# One `of`\n## Two\n```sh\n# none\n```\n## Two\n[a](#two-1) [b](../x.md#y) [c](https://x.org/z.md#q)'
    expect([...anchorsOf(text)]).toEqual(['one-of', 'two', 'two-1'])
    expect(anchoredIn(page, text)).toEqual([
      [page, 'two-1'],
      ['x.md', 'y'],
    ])
    expect(guides.flatMap((one) => anchoredIn(one, textOf(one))).length).toBeGreaterThan(20)
  })

  it('read pages that name something', () => {
    const named = guides.flatMap((one) => [...pathsIn(textOf(one)), ...commandsIn(textOf(one))])
    expect(named.length).toBeGreaterThan(80)
  })
})

it('every npm script that a contributor runs is explained', () => {
  const named = new Set(guides.flatMap((page) => commandsIn(textOf(page))))
  const builtIn = ['test']
  expect(Object.keys(scripts).filter((name) => !named.has(name) && !builtIn.includes(name))).toEqual([])
})
