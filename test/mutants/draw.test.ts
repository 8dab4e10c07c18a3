import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { allMutants, core, mutated, shuffled, upper } from './random/draw.ts'
import { mutantsOf } from './random/operators.ts'
import { type Outcome, report } from './random/report.ts'
import { switched } from './random/switched.ts'
import { usesOf } from './random/uses.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const globals = globalThis as {
  __isMutant?: (index: number, isProbed?: true) => boolean
  __passes?: (index: number) => void
}
afterEach(() => {
  delete globals.__isMutant
  delete globals.__passes
})

const changes = (text: string): string[] => mutantsOf('a.ts', text).map((mutant) => mutated(text, mutant))

describe('mutants drawn at random', () => {
  test('bounds, operators, constants, conditions, statements and min and max are changed', () => {
    expect(changes('export const a = b < 10')).toEqual([
      'export const a = b <= 10',
      'export const a = b >= 10',
      'export const a = b < 11',
      'export const a = b < 9',
    ])
    expect(changes('if (a && b) c()')).toEqual(['if (!(a && b)) c()', 'if (a || b) c()', 'if (a && b) ;'])
    expect(changes('x = Math.min(a, b)')).toEqual([';', 'x = Math.max(a, b)'])
    expect(changes('const a = b ?? c')).toEqual(['const a = c'])
    expect(changes('for (;;) { if (a) continue\n break }')).toContain('for (;;) { if (a) continue\n ; }')
    expect(changes('const a = [true, x === y, a + b]')).toEqual([
      'const a = [false, x === y, a + b]',
      'const a = [true, x !== y, a + b]',
      'const a = [true, x === y, a - b]',
    ])
  })

  test('types, imports, names and the texts of errors are left alone', () => {
    expect(changes("import a from 'a'\ntype B = 1 | true\nconst c = { 1: d } as { e: 2 }")).toEqual([])
    expect(changes('throw new Error(a + b)')).toEqual([';'])
  })

  test('an id is of one place and one change', () => {
    const ids = mutantsOf('a.ts', 'const a = 5\nconst b = 5').map(({ id }) => id)
    expect(ids).toEqual(['a.ts:1:11:5to6', 'a.ts:1:11:5to4', 'a.ts:2:11:5to6', 'a.ts:2:11:5to4'])
  })

  test('of two changes that begin at one place the second has another id', () => {
    const ids = mutantsOf('a.ts', 'const a = b + c + d').map(({ id, to }) => [id, to])
    expect(ids).toEqual([
      ['a.ts:1:11:+to-', 'b + c - d'],
      ['a.ts:1:11:+to-~2', 'b - c'],
    ])
  })

  test('no two mutants of the sources have one id, and every room is drawn from', () => {
    const all = allMutants(root)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    const rooms = new Set(all.map(({ file }) => file.split('/')[1]))
    expect([...rooms].toSorted()).toEqual([...core, ...upper].toSorted())
    expect(allMutants(root, ['lru'])).toEqual(all.filter(({ file }) => file.startsWith('src/lru/')))
  })

  test('each mutant, switched on, does what its change does, and none of them changes nothing', () => {
    const text = `
      let log = []
      const f = (a, b) => {
        let sum = 0
        for (let i = 0; i < a; i++) {
          if (i === 2 && b) continue
          sum += Math.max(i, b ? 3 : 1) + 1
        }
        const late = sum > 4 ? sum - 1 : sum ?? 7
        late > 5 && log.push(late)
        if (late === 3) throw new Error('three')
        return late
      }
      return [[0, 0], [1, 1], [3, 0], [4, 1]].map(([a, b]) => { try { return f(a, b) } catch (e) { return e.message } }).concat(log)`
    const mutants = mutantsOf('a.ts', text).map((mutant, index) => ({ ...mutant, index }))
    expect(mutants.length).toBeGreaterThan(30)
    const outcome = (code: string): unknown => new Function(code)()
    const all = switched(text, mutants)
    expect(outcome(all)).toEqual(outcome(text))
    // These would never end.
    const ending = mutants.filter(({ from }) => from !== 'i < a')
    for (const mutant of ending) {
      const expected = outcome(mutated(text, mutant))
      globals.__isMutant = (index) => index === mutant.index
      expect(outcome(all), mutant.id).toEqual(expected)
      delete globals.__isMutant
    }
  })

  test('what reads a constant of its module passes by the mutants of the constant', () => {
    const text = `
      const most = 3
      const double = (n) => n * 2
      export const least = 1
      const all = [most]
      function few() { return double(most) }
      const many = (n) => n > most
      return { few, many, double }`
    const mutants = mutantsOf('a.ts', text).map((mutant, index) => ({ ...mutant, index }))
    const ofMost = mutants.filter(({ from }) => from === '3')
    expect(usesOf(text, mutants.find(({ from }) => from === '1')!)).toBe(undefined)
    // One that is read outside of functions too may be noticed by all who load the module.
    expect(usesOf(text, ofMost[0]!)).toBe(undefined)
    const apart = text.replace('const all = [most]', '').replace('export ', '')
    const again = mutantsOf('a.ts', apart).map((mutant, index) => ({ ...mutant, index }))
    const passed: number[] = []
    Object.assign(globals, { __passes: (index: number) => passed.push(index) })
    const seen: number[] = []
    globals.__isMutant = (index, isProbed) => {
      if (!isProbed) seen.push(index)
      return index === 1
    }
    expect(again.slice(0, 2).map(({ from, to }) => [from, to])).toEqual([
      ['3', '4'],
      ['3', '2'],
    ])
    const { few, many, double } = new Function(switched(apart, again))()
    expect([seen, passed]).toEqual([[], []])
    double(1)
    expect(passed).toEqual([])
    expect(few()).toBe(4)
    expect(passed.toSorted()).toEqual([0, 1])
    expect(many(3)).toBe(true)
    expect(passed).toHaveLength(4)
  })

  test('one seed draws one sample', () => {
    const all = mutantsOf('a.ts', Array.from({ length: 50 }, (_, i) => `f(${i + 2})`).join('\n'))
    expect(shuffled(all, '1')).toEqual(shuffled(all, '1'))
    expect(shuffled(all, '1')).not.toEqual(shuffled(all, '2'))
    expect(new Set(shuffled(all, '1'))).toEqual(new Set(all))
  })

  test('the report shows survivors with their change, and counts what no test runs among them', () => {
    const [a, b, c] = mutantsOf('src/a.ts', 'f(5 < x)')
    const outcomes: Outcome[] = [
      { mutant: a!, fate: 'killed', by: 'a test', ms: 1000 },
      { mutant: b!, fate: 'survived', ms: 2000 },
      { mutant: c!, fate: 'not run by any test', ms: 0 },
    ]
    const text = report(outcomes, 3)
    expect(text).toContain(`${b!.id}  survived\n  - ${b!.from}\n  + ${b!.to}`)
    expect(text).toContain(`${c!.id}  not run by any test`)
    expect(text).toContain('1 of 3 mutants killed (33.3 %), 0 of them by time; 1.0 s per mutant')
  })
})
