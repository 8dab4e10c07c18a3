type Crc32 = (data: Uint8Array) => number

let table: Uint32Array | undefined

/** The checksum of IEEE 802.3 by a table, for Node before 20.15. */
export function crc32ByTable(data: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
    return n
  })
  let crc = ~0
  for (let i = 0; i < data.length; i++) crc = table[(crc ^ data[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Node's own where it has one. */
export const crc32Of = ({ crc32 }: { crc32?: Crc32 }): Crc32 => crc32 ?? crc32ByTable
