/** FNV-1a, 32 bits, with its upper half folded in: an even spread of texts, the same in every process and version. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash ^ (hash >>> 16)) >>> 0
}
