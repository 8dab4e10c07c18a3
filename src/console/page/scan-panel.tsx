/** Lists of what is in the table need a scan, which costs what the table is large: it is asked for, page by page. */
import { useState } from 'preact/hooks'
import { about, emptyInventory, inventory, type Partition } from './about.ts'
import { call } from './api.ts'
import { Problem } from './parts.tsx'
import { useStore } from './store.ts'
import type { Lease } from './types.ts'

const atOnce = 1000

interface Found {
  partitions: Partition[]
  queues: string[]
  leases: Lease[]
  read: number
  next?: object
}

async function scanOn(): Promise<void> {
  const before = inventory.get().isOver ? emptyInventory() : inventory.get()
  const { value } = await call<Found>('table.scan', { limit: atOnce, after: before.next })
  const partitions = new Map(before.partitions)
  for (const one of value.partitions) {
    const old = partitions.get(one.pk)
    partitions.set(one.pk, old ? added(old, one) : one)
  }
  const leases = new Map(before.leases)
  for (const one of value.leases) leases.set(`${one.pk}\n${one.sk}`, one)
  inventory.set({
    partitions,
    leases,
    queues: new Set([...before.queues, ...value.queues]),
    read: before.read + value.read,
    next: value.next,
    isOver: value.next === undefined,
  })
}

const added = (a: Partition, b: Partition): Partition => ({
  ...a,
  items: a.items + b.items,
  locks: a.locks + b.locks,
  messages: a.messages + b.messages,
  bytes: a.bytes + b.bytes,
})

export function ScanPanel({ finds }: { finds: string }) {
  const found = useStore(inventory)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  if (!useStore(about)?.canScan) return null
  const scan = async () => {
    setBusy(true)
    setError(undefined)
    await scanOn().catch(setError)
    setBusy(false)
  }
  const label = found.isOver ? 'Scan again' : found.read > 0 ? 'Scan on' : 'Scan the table'
  return (
    <div class="panel">
      <div class="in row">
        <span class="grow dim">
          {found.read === 0
            ? `A scan finds ${finds}. Each step reads the next ${atOnce.toLocaleString('en-US')} rows.`
            : `${found.read.toLocaleString('en-US')} rows read, ${found.partitions.size.toLocaleString('en-US')} partitions found${found.isOver ? ': all of the table.' : ' so far.'}`}
        </span>
        <span class="small dim nowrap">up to 128 RRU a step</span>
        <button type="button" onClick={scan} disabled={busy}>
          {busy ? 'Scanning…' : label}
        </button>
      </div>
      {error !== undefined && (
        <div class="in">
          <Problem error={error} retry={scan} />
        </div>
      )}
    </div>
  )
}
