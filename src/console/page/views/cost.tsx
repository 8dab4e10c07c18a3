/** What the console has spent, and what the traffic beside it. It reads nothing of the table. */
import { useState } from 'preact/hooks'
import { call, type Units } from '../api.ts'
import { unitsText } from '../format.ts'
import { useLive } from '../live.ts'
import { Budget, Empty, Problem, Spark } from '../parts.tsx'
import type { Total } from '../types.ts'

interface Spent {
  all: Units
  totals: Total[]
}

interface Costs {
  console?: Spent | false
  traffic?: Spent | false
  at: number
}

/** On demand, us-east-1, dollars for a million units. */
const price = { read: 0.125, write: 0.625 }
const dollars = ({ read, write }: Units): string =>
  `$${((read * price.read + write * price.write) / 1e6).toFixed(6)}`

export function CostView() {
  const [costs, setCosts] = useState<Costs>()
  const [history, setHistory] = useState<number[]>([])
  const [error, setError] = useState<unknown>()
  const refresh = useLive('cost', 2000, async (signal) => {
    try {
      const { value } = await call<Costs>('cost.show', {}, signal)
      setCosts(value)
      const all = [value.console, value.traffic].map((one) => (one ? one.all.read + one.all.write : 0))
      setHistory((old) => [...old, all[0]! + all[1]!].slice(-90))
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  const steps = history.slice(1).map((value, i) => value - history[i]!)
  return (
    <>
      <div class="head">
        <h1>Cost</h1>
        <span class="fill" />
        <Budget most="0 RRU: what this process has counted itself" />
      </div>
      {error !== undefined && <Problem error={error} retry={refresh} />}
      <div class="cards">
        {costs?.console && <Sum title="This console" spent={costs.console} />}
        {costs?.traffic && <Sum title="The traffic of this process" spent={costs.traffic} />}
        <div class="panel card">
          <span class="dim small">Units in the last 2 s</span>
          <span class="big">{steps.length > 0 ? unitsText(steps.at(-1)!) : '–'}</span>
          <Spark values={steps} title="Units in each two seconds since this view was opened" />
        </div>
      </div>
      {costs && !costs.console && !costs.traffic && (
        <div class="panel">
          <Empty title="Nothing is measured">
            <span>
              Give the console a <code>UnitMeter</code> that the client tells of its requests.
            </span>
          </Empty>
        </div>
      )}
      {costs?.console && <Totals title="This console, by what it asked" of={costs.console.totals} />}
      <p class="small dim">
        Dollars at ${price.read} for a million RRU and ${price.write} for a million WRU (on demand,
        us-east-1). RRU: a strongly consistent read of 4 KB; half for reads that may be stale.
      </p>
    </>
  )
}

const Sum = ({ title, spent: { all } }: { title: string; spent: Spent }) => (
  <div class="panel card">
    <span class="dim small">{title}</span>
    <span class="big">{unitsText(all.read)} RRU</span>
    <span class="num">
      {unitsText(all.write)} WRU · {dollars(all)}
    </span>
  </div>
)

const Totals = ({ title, of }: { title: string; of: readonly Total[] }) => (
  <section class="panel" aria-label={title}>
    <header>
      <h2>{title}</h2>
    </header>
    <div class="scroll" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Call</th>
            <th class="right">Times</th>
            <th class="right">RRU</th>
            <th class="right">WRU</th>
            <th class="right">RRU each</th>
          </tr>
        </thead>
        <tbody>
          {of
            .filter(({ read, write }) => read + write > 0)
            .map(({ name, calls, read, write }) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td class="right num">{calls}</td>
                <td class="right num">{unitsText(read)}</td>
                <td class="right num">{unitsText(write)}</td>
                <td class="right num">{unitsText(read / calls)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  </section>
)
