/**
 * Serializability of list-append transactions, by cycles in the graph of dependencies: each append is of a new value,
 * so that a list that was read tells the order of all writes before it. A. Adya, Weak Consistency, MIT 1999, for the
 * anomalies; K. Kingsbury, P. Alvaro, Elle, VLDB 2020, for inferring them from what clients saw. Independent of the
 * library's code.
 */
import type { Operation } from './operations.ts'

/** `['append', key, value]`, or `['r', key, values]` with what was read. */
export type MicroOp = readonly ['append', string, number] | readonly ['r', string, readonly number[]]

export interface SerializabilityAnomaly {
  kind: string
  message: string
}

type EdgeType = 'ww' | 'wr' | 'rw'
interface Edge {
  to: number
  type: EdgeType
  key: string
}

const nameOf = (operation: Operation): string => `#${operation.id} (client ${operation.client})`

export function checkSerializability(all: readonly Operation[]): {
  verdict: 'valid' | 'invalid'
  anomalies: SerializabilityAnomaly[]
} {
  const anomalies: SerializabilityAnomaly[] = []
  const report = (kind: string, message: string) => anomalies.push({ kind, message })
  const micro = (operation: Operation): readonly MicroOp[] =>
    (operation.outcome === 'ok' ? operation.output : operation.input) as readonly MicroOp[]

  const writers = new Map<string, { txn: number; final: boolean }>()
  all.forEach((operation, txn) => {
    const last = new Map<string, string>()
    for (const [op, key, value] of micro(operation)) {
      if (op !== 'append') continue
      const id = `${key}:${value}`
      if (last.has(key)) writers.get(last.get(key)!)!.final = false
      writers.set(id, { txn, final: true })
      last.set(key, id)
    }
  })

  // The longest list that was read of each key is the order of its writes.
  const orders = new Map<string, readonly number[]>()
  const reads: { txn: number; key: string; values: readonly number[] }[] = []
  all.forEach((operation, txn) => {
    if (operation.outcome !== 'ok') return
    for (const [op, key, values] of micro(operation)) {
      if (op !== 'r') continue
      reads.push({ txn, key, values })
      if (values.length > (orders.get(key)?.length ?? -1)) orders.set(key, values)
    }
  })

  const edges = all.map((): Edge[] => [])
  const link = (from: number | undefined, to: number | undefined, type: EdgeType, key: string) => {
    if (from !== undefined && to !== undefined && from !== to) edges[from]!.push({ to, type, key })
  }
  const writerOf = (key: string, value: number | undefined) =>
    value === undefined ? undefined : writers.get(`${key}:${value}`)

  for (const [key, order] of orders) {
    if (new Set(order).size !== order.length) report('duplicate', `${key} holds a value twice: ${order}`)
    order.forEach((value, i) => {
      const writer = writerOf(key, value)
      if (!writer) report('unexpected', `${key} holds ${value}, which nobody appended`)
      else if (all[writer.txn]!.outcome === 'fail')
        report('G1a', `${key} holds ${value} of ${nameOf(all[writer.txn]!)}, which failed`)
      link(writer?.txn, writerOf(key, order[i + 1])?.txn, 'ww', key)
    })
  }
  for (const { txn, key, values } of reads) {
    const order = orders.get(key)!
    if (values.some((value, i) => value !== order[i])) {
      report('incompatible order', `${nameOf(all[txn]!)} read ${key} as ${values}, others as ${order}`)
      continue
    }
    const last = writerOf(key, values.at(-1))
    if (last && !last.final && last.txn !== txn)
      report('G1b', `${nameOf(all[txn]!)} read ${key} in the middle of ${nameOf(all[last.txn]!)}`)
    link(last?.txn, txn, 'wr', key)
    link(txn, writerOf(key, order[values.length])?.txn, 'rw', key)
  }
  for (const cycle of cycles(edges)) {
    const steps = cycle.map(({ from, edge }) => `${nameOf(all[from]!)} -${edge.type} ${edge.key}->`)
    report(classify(cycle.map(({ edge }) => edge.type)), `${steps.join(' ')} ${nameOf(all[cycle[0]!.from]!)}`)
  }
  return { verdict: anomalies.length === 0 ? 'valid' : 'invalid', anomalies }
}

function classify(types: readonly EdgeType[]): string {
  const against = types.filter((type) => type === 'rw').length
  if (against === 1) return 'G-single'
  if (against > 1) return 'G2'
  return types.includes('wr') ? 'G1c' : 'G0'
}

/** One short cycle of each strongly connected part: breadth first from each of its nodes until it comes back. */
function cycles(edges: readonly Edge[][]): { from: number; edge: Edge }[][] {
  const found: { from: number; edge: Edge }[][] = []
  const used = new Set<number>()
  const part = components(edges)
  for (let start = 0; start < edges.length; start++) {
    if (used.has(part[start]!)) continue
    const via = new Map<number, { from: number; edge: Edge }>()
    const queue = [start]
    for (let i = 0; i < queue.length && !via.has(start); i++) {
      for (const edge of edges[queue[i]!]!) {
        if (part[edge.to] !== part[start] || via.has(edge.to)) continue
        via.set(edge.to, { from: queue[i]!, edge })
        queue.push(edge.to)
      }
    }
    if (!via.has(start)) continue
    used.add(part[start]!)
    const cycle = [via.get(start)!]
    while (cycle[0]!.from !== start) cycle.unshift(via.get(cycle[0]!.from)!)
    found.push(cycle)
  }
  return found
}

/** R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1972; without recursion. */
function components(edges: readonly Edge[][]): number[] {
  const index = new Array<number>(edges.length).fill(-1)
  const low = new Array<number>(edges.length).fill(0)
  const part = new Array<number>(edges.length).fill(-1)
  const stack: number[] = []
  let next = 0
  let parts = 0
  for (let root = 0; root < edges.length; root++) {
    if (index[root] !== -1) continue
    const work: [number, number][] = [[root, 0]]
    while (work.length > 0) {
      const frame = work.at(-1)!
      const [node, at] = frame
      if (at === 0) {
        index[node] = low[node] = next++
        stack.push(node)
      }
      const edge = edges[node]![at]
      if (edge) {
        frame[1]++
        if (index[edge.to] === -1) work.push([edge.to, 0])
        else if (part[edge.to] === -1) low[node] = Math.min(low[node]!, index[edge.to]!)
        continue
      }
      work.pop()
      const parent = work.at(-1)?.[0]
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!)
      if (low[node] !== index[node]) continue
      for (let member = -1; member !== node; ) {
        member = stack.pop()!
        part[member] = parts
      }
      parts++
    }
  }
  return part
}
