/** What the server says of itself, and what scans of this page have found. */
import { createStore } from './store.ts'
import type { Lease } from './types.ts'

export interface About {
  title: string
  where?: string
  write: boolean
  queues: string[]
  collections: number
  canScan: boolean
  hasRecording: boolean
  hasMeter: boolean
  at: number
}

export const about = createStore<About | undefined>(undefined)

export interface Partition {
  pk: string
  items: number
  locks: number
  messages: number
  bytes: number
  internal: boolean
}

export interface Inventory {
  partitions: Map<string, Partition>
  queues: Set<string>
  leases: Map<string, Lease>
  read: number
  /** Where the scan goes on; absent: it has not begun, or is over. */
  next?: object | undefined
  isOver: boolean
}

export const emptyInventory = (): Inventory => ({
  partitions: new Map(),
  queues: new Set(),
  leases: new Map(),
  read: 0,
  isOver: false,
})

export const inventory = createStore<Inventory>(emptyInventory())

/** Queues and partitions that were opened by name, kept for this tab. */
const visitedName = 'lockrow-visited'
const kept = (): { queues: string[]; partitions: string[] } => {
  try {
    const { queues = [], partitions = [] } = JSON.parse(sessionStorage.getItem(visitedName) ?? '{}')
    return { queues, partitions }
  } catch {
    return { queues: [], partitions: [] }
  }
}
export const visited = createStore(kept())

export function visit(kind: 'queues' | 'partitions', name: string): void {
  const before = visited.get()
  if (before[kind].includes(name)) return
  const next = { ...before, [kind]: [name, ...before[kind]].slice(0, 50) }
  visited.set(next)
  sessionStorage.setItem(visitedName, JSON.stringify(next))
}
