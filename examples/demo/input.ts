import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'

/** Lines of the input: what is in stock, and who orders how much of it. */
export interface StockLine {
  product: string
  stock: number
}

export interface OrderLine {
  order: string
  product: string
  quantity: number
  customer: string
}

export interface Input {
  stock: StockLine[]
  orders: OrderLine[]
  /** What was wrong, by line number; the other lines count all the same. */
  problems: { line: number; problem: string }[]
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isCount = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least

function read(text: string): StockLine | OrderLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('is not JSON')
  }
  const line = value as Partial<StockLine & OrderLine> | null
  if (typeof line !== 'object' || line === null || !isText(line.product)) throw new Error("has no 'product'")
  if (line.stock !== undefined) {
    if (!isCount(line.stock, 0)) throw new Error("'stock' must be a whole number from 0")
    return { product: line.product, stock: line.stock }
  }
  if (!isText(line.order)) throw new Error("has neither 'stock' nor 'order'")
  if (!isText(line.customer)) throw new Error("has no 'customer'")
  if (!isCount(line.quantity, 1)) throw new Error("'quantity' must be a whole number from 1")
  return { order: line.order, product: line.product, quantity: line.quantity, customer: line.customer }
}

/** Reads a file of JSON lines. Malformed lines are reported and passed over. */
export async function readInput(file: string): Promise<Input> {
  const input: Input = { stock: [], orders: [], problems: [] }
  const seen = new Set<string>()
  let number = 0
  for await (const text of createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number++
    if (text.trim() === '') continue
    try {
      const line = read(text)
      const name = 'stock' in line ? `stock ${line.product}` : `order ${line.order}`
      if (seen.has(name)) throw new Error(`${name} is there twice`)
      seen.add(name)
      if ('stock' in line) input.stock.push(line)
      else input.orders.push(line)
    } catch (error) {
      input.problems.push({ line: number, problem: (error as Error).message })
    }
  }
  return input
}
