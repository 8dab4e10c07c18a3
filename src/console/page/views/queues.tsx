/** All queues that are known, with their numbers. */
import { useState } from 'preact/hooks'
import { about, inventory, visited } from '../about.ts'
import { call } from '../api.ts'
import { count, duration } from '../format.ts'
import { useLive } from '../live.ts'
import { Badge, Budget, Empty, Problem } from '../parts.tsx'
import { go, linkTo } from '../route.ts'
import { ScanPanel } from '../scan-panel.tsx'
import { useStore } from '../store.ts'
import type { Stats } from '../types.ts'

const counted = 100
/** So many queues show their numbers without being asked. */
const freely = 6

function useNames(): string[] {
  const known = useStore(about)?.queues ?? []
  const found = useStore(inventory).queues
  const { queues } = useStore(visited)
  const names = new Set([...known, ...queues, ...found])
  // Dead letters are shown with the queue that they come from.
  return [...names].filter((name) => !(name.endsWith('#dead') && names.has(name.slice(0, -5)))).sort()
}

export function QueuesView() {
  const names = useNames()
  const [stats, setStats] = useState<Record<string, Stats>>({})
  const [error, setError] = useState<unknown>()
  const [all, setAll] = useState(false)
  const shown = all ? names : names.slice(0, freely)
  const retry = useLive(shown.join('\n'), 10_000, async (signal) => {
    try {
      for (const pk of shown) {
        const { value } = await call<Stats>('queue.stats', { pk, limit: counted }, signal)
        setStats((old) => ({ ...old, [pk]: value }))
      }
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  return (
    <>
      <div class="head">
        <h1>Queues</h1>
        <span class="fill" />
        <Budget most={`up to ${shown.length * 20} RRU each 10 s, for messages of 1 KB`} />
        <OpenQueue />
      </div>
      {error !== undefined && <Problem error={error} retry={retry} />}
      <div class="panel">
        {names.length === 0 ? (
          <Empty title="No queue is known yet">
            <span>Open one by its name, or start the console with --queue, or scan the table.</span>
          </Empty>
        ) : (
          <QueueTable names={names} stats={stats} />
        )}
      </div>
      {names.length > shown.length && (
        <div class="row">
          <button type="button" onClick={() => setAll(true)}>
            Numbers of all {names.length} queues (up to {names.length * 20} RRU)
          </button>
        </div>
      )}
      <ScanPanel finds="all queues" />
    </>
  )
}

function OpenQueue() {
  const [name, setName] = useState('')
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        if (name !== '') go(linkTo('queues', [name]))
      }}
    >
      <input
        data-search
        aria-label="Name of a queue"
        placeholder="Open a queue by name"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit">Open</button>
    </form>
  )
}

function QueueTable({ names, stats }: { names: readonly string[]; stats: Record<string, Stats> }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Queue</th>
            <th class="right">Ready</th>
            <th class="right">In flight</th>
            <th class="right">Delayed</th>
            <th class="right">Dead</th>
            <th class="right">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <QueueRow key={name} name={name} stats={stats[name]} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function QueueRow({ name, stats }: { name: string; stats: Stats | undefined }) {
  const number = (n: number | undefined, atLeast = false) => (n === undefined ? '–' : count(n, atLeast))
  return (
    <tr class="link">
      <td class="wrap">
        <a href={linkTo('queues', [name])}>{name}</a>
      </td>
      <td class="right num">{number(stats?.ready, stats?.atLeast)}</td>
      <td class="right num">{number(stats?.inFlight)}</td>
      <td class="right num">{number(stats?.delayed)}</td>
      <td class="right num">
        {stats && stats.dead > 0 ? <Badge tone="bad">{number(stats.dead)}</Badge> : number(stats?.dead)}
      </td>
      <td class="right num nowrap">
        {stats ? `${duration(stats.oldestAgeSeconds * 1000)}${stats.oldestIsExact ? '' : '+'}` : '–'}
      </td>
    </tr>
  )
}
