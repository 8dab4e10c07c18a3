/** Who holds what: mutexes, permits, read-write locks, and the processes that hold them. */
import { useState } from 'preact/hooks'
import { about, inventory, visit, visited } from '../about.ts'
import { call } from '../api.ts'
import { distance } from '../format.ts'
import { useClock, useLive } from '../live.ts'
import { Badge, Budget, Empty, Problem } from '../parts.tsx'
import { go, linkTo } from '../route.ts'
import { ScanPanel } from '../scan-panel.tsx'
import { useStore } from '../store.ts'
import type { Lease, Process } from '../types.ts'
import { LeaseLine } from './lease-line.tsx'

const refreshMs = 3000
const atMost = 100

interface Known {
  leases: Lease[]
  processes: Process[]
}

/** Of one partition, or of all that scans have found. */
function useLeases(pk: string | undefined) {
  const found = useStore(inventory).leases
  const [known, setKnown] = useState<Known>()
  const [error, setError] = useState<unknown>()
  const keys = [...found.values()].slice(0, atMost).map((one) => ({ pk: one.pk, sk: one.sk }))
  const refresh = useLive(pk ?? `all ${keys.length}`, refreshMs, async (signal) => {
    try {
      const asked =
        pk === undefined
          ? call<Known>('lease.read', { keys }, signal)
          : call<Known>('lease.list', { pk, limit: atMost }, signal)
      const [{ value }, processes] = await Promise.all([asked, call<Known>('lease.processes', {}, signal)])
      setKnown({ leases: value.leases, processes: processes.value.processes })
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  return { known, error, refresh }
}

export function LeasesView({ pk }: { pk: string | undefined }) {
  if (pk !== undefined) visit('partitions', pk)
  const { known, error, refresh } = useLeases(pk)
  const now = useClock()
  const write = useStore(about)?.write ?? false
  const leases = known?.leases ?? []
  const held = leases.filter(({ holders }) =>
    holders.some(({ until = Number.POSITIVE_INFINITY }) => until > now),
  )
  return (
    <>
      <div class="head">
        <h1>Locks and leases{pk === undefined ? '' : ` in ${pk}`}</h1>
        <span class="fill" />
        <Budget most={`up to ${atMost} RRU each ${refreshMs / 1000} s, for rows up to 4 KB`} />
        <OpenPartition />
      </div>
      {error !== undefined && <Problem error={error} retry={refresh} />}
      {known && (
        <div class="row small dim">
          <Badge tone="accent">{held.length} held</Badge>
          <Badge>{leases.length - held.length} free</Badge>
          <Badge tone="good">
            {known.processes.filter(({ until }) => until > now).length} processes alive
          </Badge>
        </div>
      )}
      <div class="panel">
        {leases.length === 0 ? (
          <Empty title={known ? 'No mutex, semaphore or read-write lock here' : 'Reading…'}>
            <span>Open the partition in which they lie, or scan the table.</span>
          </Empty>
        ) : (
          leases.map((one) => (
            <LeaseLine
              key={`${one.pk} ${one.sk}`}
              lease={one}
              processes={known?.processes ?? []}
              now={now}
              write={write}
              done={refresh}
            />
          ))
        )}
      </div>
      {known && known.processes.length > 0 && <Processes of={known.processes} now={now} />}
      {pk === undefined && <ScanPanel finds="all mutexes, semaphores and read-write locks" />}
    </>
  )
}

function OpenPartition() {
  const [name, setName] = useState('')
  const { partitions } = useStore(visited)
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        go(linkTo('locks', name === '' ? [] : [name]))
      }}
    >
      <input
        data-search
        list="partitions"
        aria-label="Partition of the locks"
        placeholder="Open a partition (pk)"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <datalist id="partitions">
        {partitions.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit">Open</button>
    </form>
  )
}

function Processes({ of, now }: { of: readonly Process[]; now: number }) {
  const sorted = [...of].sort((a, b) => b.until - a.until).slice(0, 50)
  return (
    <section class="panel" aria-label="Processes">
      <header>
        <h2>Processes</h2>
        <span class="small dim">with Liveness, alive or seen within the last hour</span>
      </header>
      <div class="scroll" tabIndex={0}>
        <table>
          <tbody>
            {sorted.map(({ sk, until, draining }) => (
              <tr key={sk}>
                <td>
                  <code>{sk}</code>
                </td>
                <td>
                  {until <= now ? (
                    <Badge tone="bad">dead</Badge>
                  ) : draining ? (
                    <Badge tone="warn">draining</Badge>
                  ) : (
                    <Badge tone="good">running</Badge>
                  )}
                </td>
                <td class="dim nowrap">counts as dead {distance(until, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
