import type { RandomMutant } from './operators.ts'

const isOn = (index: number): string => `globalThis.__isMutant?.(${index})`

/**
 * The source with all its mutants in it, each of them off until `globalThis.__isMutant` says of its number that it is
 * on. All mutants are compiled once, and no module is compiled again between them.
 * R. Untch, A. Offutt, M. Harrold, Mutation Analysis Using Mutant Schemata, ISSTA 1993.
 */
export function switched(text: string, mutants: readonly (RandomMutant & { index: number })[]): string {
  const inOrder = [...mutants].sort((a, b) => a.start - b.start || b.end - a.end)
  const render = (start: number, end: number, within: typeof inOrder): string => {
    let out = ''
    let at = start
    for (let i = 0; i < within.length; ) {
      const outer = within[i]!
      const same = within.filter((one) => one.start === outer.start && one.end === outer.end)
      const inner = within.filter(
        (one) => !same.includes(one) && one.start >= outer.start && one.end <= outer.end,
      )
      out += text.slice(at, outer.start) + choice(same, render(outer.start, outer.end, inner))
      at = outer.end
      i += same.length + inner.length
    }
    return out + text.slice(at, end)
  }
  return render(0, text.length, inOrder)
}

function choice(mutants: readonly (RandomMutant & { index: number })[], original: string): string {
  if (mutants[0]!.kind === 'expression')
    return `(${mutants.map(({ index, to }) => `${isOn(index)} ? (${to}) : `).join('')}(${original}))`
  return `{ ${mutants.map(({ index, to }) => `if (${isOn(index)}) { ${to} } else `).join('')}{ ${original} } }`
}
