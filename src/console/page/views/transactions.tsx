/** What this process, or the demo, has committed, what was refused, and why. It reads nothing of the table. */
import { useState } from 'preact/hooks'
import { call } from '../api.ts'
import { dateText } from '../format.ts'
import { useLive } from '../live.ts'
import { Badge, Budget, Empty, Facts, Problem, type Tone } from '../parts.tsx'
import { route, setQuery } from '../route.ts'
import { useStore } from '../store.ts'
import type { RecordedCall } from '../types.ts'
import { Cell, VirtualList } from '../virtual-list.tsx'
import { Timeline } from './timeline.tsx'

const refreshMs = 1500
const kept = 5000

const tones: Readonly<Record<RecordedCall['outcome'], Tone>> = {
  committed: 'good',
  refused: 'warn',
  failed: 'bad',
}

function useCalls() {
  const [calls, setCalls] = useState<RecordedCall[]>([])
  const [known, setKnown] = useState<boolean>()
  const [error, setError] = useState<unknown>()
  const refresh = useLive('calls', refreshMs, async (signal) => {
    try {
      const after = calls.at(-1)?.id ?? 0
      const { value } = await call<{ calls: RecordedCall[]; known: boolean }>(
        'transaction.list',
        { after },
        signal,
      )
      setKnown(value.known)
      setCalls((old) => [...old, ...value.calls].slice(-kept))
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  return { calls, known, error, refresh }
}

export function TransactionsView() {
  const { calls, known, error, refresh } = useCalls()
  const { query } = useStore(route)
  const { outcome = '', search = '' } = query
  const [opened, setOpened] = useState<RecordedCall>()
  const [at, setAt] = useState(-1)
  const shown = calls
    .filter(
      (one) =>
        outcome === '' || one.outcome === outcome || (outcome === 'repeated' && one.retries.length > 0),
    )
    .filter(
      (one) =>
        search === '' ||
        `${one.method} ${one.error ?? ''} ${one.writes.map(({ key }) => key).join(' ')}`.includes(search),
    )
    .reverse()
  return (
    <>
      <div class="head">
        <h1>Transactions</h1>
        <span class="fill" />
        <Budget most="0 RRU: what this process has recorded itself" />
      </div>
      {error !== undefined && <Problem error={error} retry={refresh} />}
      {known === false ? (
        <div class="panel">
          <Empty title="This process records nothing">
            <span>
              Mount the console in your application with a <code>Recording</code>, or start it with{' '}
              <code>--demo</code>.
            </span>
          </Empty>
        </div>
      ) : (
        <>
          <Timeline calls={calls} />
          <div class={opened ? 'split' : 'split alone'}>
            <section class="panel" aria-label="Calls">
              <header>
                <input
                  data-search
                  class="grow"
                  type="search"
                  aria-label="Search in methods, keys and errors"
                  placeholder="Search in methods, keys and errors"
                  value={search}
                  onInput={(event) => setQuery({ search: event.currentTarget.value })}
                />
                <select
                  aria-label="Outcome"
                  value={outcome}
                  onChange={(event) => setQuery({ outcome: event.currentTarget.value })}
                >
                  <option value="">any outcome</option>
                  {[...Object.keys(tones), 'repeated'].map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </header>
              <div class="columns calls">
                <span>Outcome</span>
                <span class="wide">Time</span>
                <span>Call</span>
                <span>Took</span>
                <span class="wide">Keys</span>
              </div>
              <VirtualList
                rows={shown}
                label="Calls, the newest first"
                columns="calls"
                keyOf={(one) => String(one.id)}
                at={at}
                onMove={setAt}
                onOpen={(one) => setOpened(one)}
                isSelected={(one) => one.id === opened?.id}
                draw={(one) => <CallRow one={one} />}
              />
            </section>
            {opened && <CallPanel one={opened} close={() => setOpened(undefined)} />}
          </div>
        </>
      )}
    </>
  )
}

const CallRow = ({ one }: { one: RecordedCall }) => (
  <>
    <Cell>
      <Badge tone={tones[one.outcome]}>{one.outcome}</Badge>
    </Cell>
    <Cell class="wide num dim">{dateText(one.at).slice(11)}</Cell>
    <Cell class="mono" title={one.method}>
      {one.method}
    </Cell>
    <Cell class="num">{Math.round(one.ms)} ms</Cell>
    <Cell class="wide mono dim" title={one.message}>
      {one.error ? `${one.error}: ` : ''}
      {(one.conflicts ?? one.writes.map(({ key }) => key)).join(', ')}
    </Cell>
  </>
)

function CallPanel({ one, close }: { one: RecordedCall; close(): void }) {
  return (
    <aside class="panel drawer" aria-label={`Call ${one.id}`}>
      <header>
        <h2 class="grow">{one.method}</h2>
        <Badge tone={tones[one.outcome]}>{one.outcome}</Badge>
        <button type="button" class="plain" aria-label="Close the call" onClick={close}>
          ✕
        </button>
      </header>
      <div class="in stack">
        <Facts
          of={[
            ['began', dateText(one.at)],
            ['took', `${one.ms.toFixed(1)} ms`],
            ['error', one.error && <code>{one.error}</code>],
            ['says', one.message],
            [
              'changed by others',
              one.conflicts?.map((key) => (
                <div key={key}>
                  <code>{key}</code>
                </div>
              )),
            ],
            ['sent again', one.retries.length > 0 ? one.retries.join(', ') : undefined],
          ]}
        />
        <h2>Operations</h2>
        {one.writes.map(({ kind, key }, i) => (
          <div key={i} class="row">
            <Badge>{kind}</Badge>
            <code class="cut">{key}</code>
          </div>
        ))}
      </div>
    </aside>
  )
}
