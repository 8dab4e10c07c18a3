/**
 * DynamoDB's numbers: decimal, 38 significant digits, magnitudes from 1e-130 to below 1e126.
 * In JS they are numbers where that is exact enough, bigints for integers beyond 2^53.
 */

/** A stored number that no JS number shows exactly: read as the nearest one, compared as it is. */
export class Decimal {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

export type Numeric = number | bigint | Decimal

export const isNumeric = (value: unknown): value is Numeric =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal

/** What a number in DynamoDB's text form is in JS. Integers that a JS number cannot hold become bigints. */
export function decodeNumber(text: string): number | bigint {
  const number = Number(text)
  if (Number.isSafeInteger(number) || !Number.isInteger(number)) return number
  const { digits, exponent } = parse(text)
  if (exponent >= 0) return digits * 10n ** BigInt(exponent)
  // Sums are not normalised: 3.00 is a whole number.
  const unit = 10n ** BigInt(-exponent)
  return digits % unit === 0n ? digits / unit : number
}

/** The same without any loss. */
export function decodeExactly(text: string): Numeric {
  const shown = decodeNumber(text)
  return isShownExactly(shown, text) ? shown : new Decimal(text)
}

/** Whether this is the number that the text says, in a form in which it can be written again. */
export function isShownExactly(shown: number | bigint, text: string): boolean {
  if (typeof shown === 'bigint') return bigintProblem(shown) === undefined
  // Every decimal of 15 digits is a JS number's own.
  return text.length <= 15 || compareNumbers(new Decimal(text), shown) === 0
}

interface Scaled {
  digits: bigint
  exponent: number
}

function parse(text: string): Scaled {
  const [mantissa, power = '0'] = text.toLowerCase().split('e')
  const [whole, fraction = ''] = mantissa!.split('.')
  return { digits: BigInt(whole! + fraction), exponent: Number(power) - fraction.length }
}

const scaled = (value: Numeric): Scaled =>
  typeof value === 'bigint'
    ? { digits: value, exponent: 0 }
    : parse(value instanceof Decimal ? value.text : String(value))

function align(a: Scaled, b: Scaled): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent)
  return [
    a.digits * 10n ** BigInt(a.exponent - exponent),
    b.digits * 10n ** BigInt(b.exponent - exponent),
    exponent,
  ]
}

/** Negative, zero or positive. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  if (a instanceof Decimal || b instanceof Decimal) {
    const [left, right] = align(scaled(a), scaled(b))
    return left < right ? -1 : left > right ? 1 : 0
  }
  return a < b ? -1 : a > b ? 1 : 0
}

/** The exact sum, or `undefined` when it has more than 38 digits or is out of range. */
export function addNumbers(a: Numeric, b: Numeric): Numeric | undefined {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  const [left, right, exponent] = align(scaled(a), scaled(b))
  return fromScaled(left + right, exponent)
}

/** The exact difference, or `undefined` when it has more than 38 digits or is out of range. */
export function subtractNumbers(a: Numeric, b: Numeric): Numeric | undefined {
  const { digits, exponent } = scaled(b)
  return addNumbers(a, fromScaled(-digits, exponent)!)
}

function fromScaled(digits: bigint, exponent: number): Numeric | undefined {
  if (digits === 0n) return 0
  const sign = digits < 0n ? '-' : ''
  const all = (digits < 0n ? -digits : digits).toString()
  const significant = all.replace(/0+$/, '')
  const power = exponent + all.length - significant.length
  const magnitude = power + significant.length
  if (significant.length > 38 || magnitude > 126 || magnitude < -129) return undefined
  const text = `${sign}${significant}e${power}`
  const value = decodeNumber(text)
  if (typeof value === 'bigint') return value
  const shown = parse(String(value))
  const [l, r] = align(shown, { digits: BigInt(sign + significant), exponent: power })
  return l === r ? value : new Decimal(text)
}

/** Pairs of digits, counted from the decimal point, that hold anything but zeros at either end: for sizes. */
export function digitPairs(value: Numeric): number {
  if (Number.isSafeInteger(value)) return pairsOf(String(Math.abs(value as number)), 0)
  const { digits, exponent } = scaled(value)
  return pairsOf((digits < 0n ? -digits : digits).toString(), exponent)
}

function pairsOf(digits: string, exponent: number): number {
  let length = digits.length
  while (length > 1 && digits.charCodeAt(length - 1) === 48) length--
  const power = exponent + digits.length - length
  return Math.ceil((power + length) / 2) - Math.floor(power / 2)
}

/** Why a number cannot be stored unchanged, or `undefined` when it can. */
export function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'a number must be finite'
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return 'a number beyond 2^53 is not exact: use a bigint'
  if (value !== 0 && Math.abs(value) < 1e-130) return 'a number this close to 0 cannot be stored'
  return undefined
}

export function bigintProblem(value: bigint): string | undefined {
  const size = value < 0n ? -value : value
  if (size <= BigInt(Number.MAX_SAFE_INTEGER))
    return 'a bigint up to 2^53 would be read back as a number: write a number'
  if (size >= 10n ** 38n) return 'a number can have at most 38 digits'
  return undefined
}
