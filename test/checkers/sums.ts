/** Which sums a multiset of amounts can give: dynamic programming, so that no subsets need be tried. */

/** The sums of all sub-multisets of `[amount, count]`, or undefined when there are more than `limit`. */
export function reachableSums(
  amounts: readonly (readonly [number, number])[],
  limit = 20_000,
): Set<number> | undefined {
  const sums = new Set([0])
  for (const [amount, count] of amounts) {
    let added = [...sums]
    for (let i = 0; i < count && added.length > 0; i++) {
      added = added.map((sum) => sum + amount).filter((sum) => !sums.has(sum))
      for (const sum of added) sums.add(sum)
      if (sums.size > limit) return undefined
    }
  }
  return sums
}
