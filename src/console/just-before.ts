/** A key so little smaller that nothing but what begins with it and the last character of Unicode lies between. */
export function justBefore(sk: string): string | undefined {
  const characters = [...sk]
  const last = characters.pop()!.codePointAt(0)!
  const head = characters.join('')
  if (last === 0) return head || undefined
  // Surrogates are not characters.
  const previous = last === 0xe000 ? 0xd7ff : last - 1
  return `${head}${String.fromCodePoint(previous)}\u{10ffff}`
}
