/**
 * Chance that a seed decides: sfc32 (C. Doty-Humphrey, PractRand), seeded through the mixing step of
 * MurmurHash3 (A. Appleby). One seed gives one sequence, on every machine.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number | string) {
    let hash = 0x9e3779b9
    const text = String(seed)
    for (let i = 0; i < text.length; i++) hash = mix(hash ^ text.charCodeAt(i))
    this.#a = mix(hash)
    this.#b = mix(this.#a ^ 0x85ebca6b)
    this.#c = mix(this.#b ^ 0xc2b2ae35)
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Uniform in [0, 1). */
  readonly next = (): number => {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 4294967296
  }

  /** A whole number from 0 to below `below`. */
  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!
  }

  /** `count` different elements, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const rest = list.slice()
    const chosen: T[] = []
    while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(this.int(rest.length), 1))
    return chosen
  }

  /** Another sequence, decided by this one. */
  fork(): Random {
    return new Random(`${this.int(2 ** 32)}-${this.int(2 ** 32)}`)
  }
}

function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
