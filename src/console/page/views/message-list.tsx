/** The messages of a queue: filtered, selected, opened. */
import { useState } from 'preact/hooks'
import { cut, dateText, distance, duration } from '../format.ts'
import { Badge, Empty, type Tone } from '../parts.tsx'
import { type Filter, idOf, matching, type QueueState, type State, stateOf } from '../queue-model.ts'
import { route, setQuery } from '../route.ts'
import { useStore } from '../store.ts'
import type { Message } from '../types.ts'
import { Cell, VirtualList } from '../virtual-list.tsx'
import { MessageActions } from './message-actions.tsx'
import { MessageDrawer } from './message-drawer.tsx'

interface Props {
  pk: string
  state: QueueState
  more(limit?: number): Promise<void>
  now: number
  write: boolean
  done(): void
}

const tones: Readonly<Record<State, Tone>> = {
  ready: 'good',
  'in flight': 'accent',
  delayed: 'warn',
  dead: 'bad',
}

export function MessageList({ pk, state, more, now, write, done }: Props) {
  const { query } = useStore(route)
  const filter: Filter = { text: query.search ?? '', state: query.state ?? '', group: query.group ?? '' }
  const shown = matching(state.messages, filter, now)
  const isFiltered = shown.length < state.messages.length
  const [selected, setSelected] = useState<ReadonlyMap<string, Message>>(new Map())
  const [at, setAt] = useState(-1)
  const opened = state.messages.find((one) => one.sk === query.message)
  const toggle = (one: Message) => {
    const next = new Map(selected)
    if (!next.delete(idOf(one))) next.set(idOf(one), one)
    setSelected(next)
  }
  const finished = () => {
    setSelected(new Map())
    done()
  }
  const allSelected = shown.length > 0 && shown.every((one) => selected.has(idOf(one)))
  return (
    <div class={opened ? 'split' : 'split alone'}>
      <section class="panel" aria-label="Messages">
        <FilterBar filter={filter} messages={state.messages} />
        <MessageActions pk={pk} selected={[...selected.values()]} write={write} done={finished} />
        <div class="columns messages">
          <input
            type="checkbox"
            aria-label={`Select all ${shown.length} shown`}
            checked={allSelected}
            onChange={() =>
              setSelected(allSelected ? new Map() : new Map(shown.map((one) => [idOf(one), one])))
            }
          />
          <span>State</span>
          <span class="wide">Key</span>
          <span class="wide">Age</span>
          <span class="wide">Tries</span>
          <span class="wide">Group</span>
          <span>Payload</span>
          <span class="hide">Age</span>
        </div>
        {shown.length === 0 ? (
          <Nothing isFiltered={state.messages.length > 0} />
        ) : (
          <VirtualList
            rows={shown}
            label={`Messages of ${pk}`}
            columns="messages"
            keyOf={idOf}
            at={at}
            onMove={setAt}
            onToggle={toggle}
            onOpen={(one) => setQuery({ message: one.sk })}
            isSelected={(one) => selected.has(idOf(one))}
            onEnd={() => !isFiltered && void more()}
            draw={(one) => <Row one={one} now={now} isSelected={selected.has(idOf(one))} toggle={toggle} />}
          />
        )}
        <Footer loaded={state.messages.length} shown={shown.length} isEnd={state.isEnd} more={more} />
      </section>
      {opened && (
        <MessageDrawer key={idOf(opened)} pk={pk} message={opened} now={now} write={write} done={finished} />
      )}
    </div>
  )
}

const Nothing = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No loaded message fits">
      <span>Load more below, or take the filter back.</span>
    </Empty>
  ) : (
    <Empty title="No messages">
      <span>What is pushed appears here within five seconds.</span>
    </Empty>
  )

function FilterBar({ filter, messages }: { filter: Filter; messages: readonly Message[] }) {
  const groups = [...new Set(messages.map(({ group }) => group).filter((one) => one !== undefined))].sort()
  return (
    <header>
      <input
        data-search
        class="grow"
        type="search"
        aria-label="Search in payloads, keys and reasons"
        placeholder="Search in payloads, keys and reasons"
        value={filter.text}
        onInput={(event) => setQuery({ search: event.currentTarget.value })}
      />
      <select
        aria-label="State"
        value={filter.state}
        onChange={(event) => setQuery({ state: event.currentTarget.value })}
      >
        <option value="">any state</option>
        {Object.keys(tones).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      {groups.length > 0 && (
        <select
          aria-label="Group"
          value={filter.group}
          onChange={(event) => setQuery({ group: event.currentTarget.value })}
        >
          <option value="">any group</option>
          {groups.slice(0, 200).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      )}
    </header>
  )
}

interface RowProps {
  one: Message
  now: number
  isSelected: boolean
  toggle(one: Message): void
}

function Row({ one, now, isSelected, toggle }: RowProps) {
  const state = stateOf(one, now)
  const due = state === 'in flight' ? one.processingTimeout : one.dueAt
  return (
    <>
      <span role="gridcell">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Select ${one.sk}`}
          checked={isSelected}
          onClick={(event) => {
            event.stopPropagation()
            toggle(one)
          }}
        />
      </span>
      <Cell title={due === undefined ? undefined : `${dateText(due)}, ${distance(due, now)}`}>
        <Badge tone={tones[state]}>{state}</Badge>
      </Cell>
      <Cell class="wide mono" title={one.sk}>
        {one.sk}
      </Cell>
      <Cell class="wide num dim" title={dateText(one.enqueuedAt)}>
        {one.enqueuedAt ? duration(now - one.enqueuedAt) : ''}
      </Cell>
      <Cell class="wide num">{one.deadLetter?.receives ?? one.receiveCount}</Cell>
      <Cell class="wide dim">{one.group}</Cell>
      <Cell class="mono" title={one.reason}>
        {one.deadLetter ? `${cut(one.deadLetter.reason, 60)} · ` : ''}
        {cut(one.json ?? '', 300)}
      </Cell>
    </>
  )
}

interface FooterProps {
  loaded: number
  shown: number
  isEnd: boolean
  more(limit?: number): Promise<void>
}

const farther = 1000

function Footer({ loaded, shown, isEnd, more }: FooterProps) {
  const [busy, setBusy] = useState(false)
  const load = async () => {
    setBusy(true)
    await more(farther)
    setBusy(false)
  }
  return (
    <footer class="in row small dim">
      <span class="grow num" role="status">
        {shown.toLocaleString('en-US')} shown of {loaded.toLocaleString('en-US')} loaded
        {isEnd ? ': all of the queue' : ''}
      </span>
      {!isEnd && loaded > 0 && (
        <button type="button" onClick={load} disabled={busy}>
          {busy ? 'Loading…' : 'Load 1,000 more (about 250 RRU at 1 KB)'}
        </button>
      )}
    </footer>
  )
}
