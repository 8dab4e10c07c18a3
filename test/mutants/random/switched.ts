import type { RandomMutant } from './operators.ts'
import { type Use, usesOf } from './uses.ts'

type Numbered = RandomMutant & { index: number }

/** A place of the text and what stands there instead, made of what is within. */
interface Place {
  start: number
  end: number
  render(within: string): string
}

/**
 * The source with all its mutants in it, each of them off until `globalThis.__isMutant` says of its number that it is
 * on. All mutants are compiled once, and no module is compiled again between them.
 * R. Untch, A. Offutt, M. Harrold, Mutation Analysis Using Mutant Schemata, ISSTA 1993.
 */
export function switched(text: string, mutants: readonly Numbered[]): string {
  const uses = new Map(mutants.map((mutant) => [mutant, usesOf(text, mutant)]))
  const probes = mutants.flatMap((mutant) => (uses.get(mutant) ?? []).map((use) => probe(use, mutant.index)))
  const places = [...choices(mutants, (mutant) => uses.get(mutant) !== undefined), ...probes]
  return rendered(text, places)
}

/** Mutants of one text are one place. */
function choices(mutants: readonly Numbered[], isProbed: (mutant: Numbered) => boolean): Place[] {
  const same = new Map<string, Numbered[]>()
  for (const mutant of mutants) {
    const at = `${mutant.start}-${mutant.end}`
    same.set(at, [...(same.get(at) ?? []), mutant])
  }
  return [...same.values()].map((group) => ({
    start: group[0]!.start,
    end: group[0]!.end,
    render: (original) => choice(group, original, isProbed),
  }))
}

function choice(
  mutants: readonly Numbered[],
  original: string,
  isProbed: (mutant: Numbered) => boolean,
): string {
  const isOn = (mutant: Numbered) =>
    `globalThis.__isMutant?.(${mutant.index}${isProbed(mutant) ? ', true' : ''})`
  if (mutants[0]!.kind === 'expression')
    return `(${mutants.map((mutant) => `${isOn(mutant)} ? (${mutant.to}) : `).join('')}(${original}))`
  return `{ ${mutants.map((mutant) => `if (${isOn(mutant)}) { ${mutant.to} } else `).join('')}{ ${original} } }`
}

/** Says at the beginning of a function that whoever calls it passes by the mutant. */
function probe({ start, end, kind }: Use, index: number): Place {
  const passes = `globalThis.__passes?.(${index})`
  const render = (body: string) =>
    kind === 'block' ? `{ ${passes}; ${body.slice(1)}` : `(${passes}, ${body})`
  return { start, end, render }
}

/** Places lie within one another or apart; of two for the same text the later one is the outer one. */
function rendered(text: string, places: readonly Place[]): string {
  const inOrder = [...places.entries()].sort(([i, a], [j, b]) => a.start - b.start || b.end - a.end || j - i)
  let next = 0
  const upTo = (start: number, end: number): string => {
    let out = ''
    let at = start
    while (next < inOrder.length && inOrder[next]![1].start < end) {
      const place = inOrder[next++]![1]
      out += text.slice(at, place.start) + place.render(upTo(place.start, place.end))
      at = place.end
    }
    return out + text.slice(at, end)
  }
  return upTo(0, text.length)
}
