let table: Uint32Array | undefined

/** The checksum of IEEE 802.3 by a table. */
export function crc32ByTable(data: Uint8Array): number {
  table ??= newTable()
  let crc = ~0
  for (let i = 0; i < data.length; i++) crc = table[(crc ^ data[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The checksum is linear: each entry is the sum of those of its bits. */
function newTable(): Uint32Array {
  const made = new Uint32Array(256)
  let crc = 1
  for (let bit = 128; bit > 0; bit >>= 1) {
    crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
    for (let i = 0; i < 256; i += 2 * bit) made[i + bit] = crc ^ made[i]!
  }
  return made
}

const smallBytes = 1024
let isFirst = true
let native: ((data: Uint8Array) => number) | undefined

/**
 * The checksum, by Node's own function where it has one. zlib takes half a millisecond to load: the first reply, which a
 * cold start waits for, does without where it is small.
 */
export function crc32(data: Uint8Array): number {
  if (isFirst && data.length <= smallBytes) {
    isFirst = false
    return crc32ByTable(data)
  }
  native ??= process.getBuiltinModule?.('node:zlib').crc32 ?? crc32ByTable
  return native(data)
}
