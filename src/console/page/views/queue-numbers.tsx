import { count, duration } from '../format.ts'
import { Bars, Spark } from '../parts.tsx'
import { arrivals, type QueueState } from '../queue-model.ts'
import type { Stats } from '../types.ts'

const shown: readonly [name: keyof Stats & ('ready' | 'inFlight' | 'delayed' | 'dead'), label: string][] = [
  ['ready', 'Ready'],
  ['inFlight', 'In flight'],
  ['delayed', 'Delayed, scheduled'],
  ['dead', 'Dead'],
]

/** The numbers of a queue now, and over the time that somebody has looked at it. */
export function QueueNumbers({
  state: { stats, history, messages },
  isDead,
}: {
  state: QueueState
  isDead: boolean
}) {
  const names = isDead ? shown.slice(0, 1) : shown
  return (
    <div class="cards">
      {names.map(([name, label]) => (
        <div class="panel card" key={name}>
          <span class="dim small">{isDead ? 'Dead letters' : label}</span>
          <span class="big">
            {stats ? count(stats[name], stats.atLeast && name !== 'inFlight' && stats[name] > 0) : '–'}
          </span>
          <Spark values={history.map((one) => one[name])} title={`${label} since this view was opened`} />
        </div>
      ))}
      <div class="panel card">
        <span class="dim small">Oldest ready</span>
        <span class="big">
          {stats ? `${duration(stats.oldestAgeSeconds * 1000)}${stats.oldestIsExact ? '' : '+'}` : '–'}
        </span>
        <Spark values={history.map((one) => one.oldestAgeSeconds)} title="Age of the oldest message" />
      </div>
      <Rates history={history} messages={messages} />
    </div>
  )
}

function Rates({ history, messages }: Pick<QueueState, 'history' | 'messages'>) {
  const { counts, slotMs } = arrivals(messages)
  const change = changePerMinute(history)
  return (
    <div class="panel card">
      <span class="dim small">Change of depth</span>
      <span class="big">
        {change === undefined ? '–' : `${change > 0 ? '+' : ''}${Math.round(change)}/min`}
      </span>
      <Bars
        values={counts}
        title={`When the ${messages.length} messages shown were pushed: each bar is ${duration(slotMs)}`}
      />
    </div>
  )
}

/** Over the last minute or so; undefined where the numbers are only lower bounds. */
function changePerMinute(history: readonly Stats[]): number | undefined {
  const recent = history.slice(-13)
  const [first, last] = [recent[0], recent.at(-1)]
  if (!first || !last || first === last || first.atLeast || last.atLeast) return undefined
  const depth = (one: Stats) => one.ready + one.inFlight + one.delayed
  return ((depth(last) - depth(first)) / (last.at - first.at)) * 60_000
}
