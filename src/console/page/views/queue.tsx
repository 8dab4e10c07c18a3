/** One queue: its numbers, its messages, and what may be done with them. */
import { useRef, useState } from 'preact/hooks'
import { about, visit } from '../about.ts'
import { call, type Units } from '../api.ts'
import { useClock, useLive } from '../live.ts'
import { Badge, Budget, Problem } from '../parts.tsx'
import { merged, type QueueState } from '../queue-model.ts'
import { linkTo, route } from '../route.ts'
import { useStore } from '../store.ts'
import type { MessagePage, Opened } from '../types.ts'
import { MessageList } from './message-list.tsx'
import { PauseButton } from './pause-button.tsx'
import { QueueNumbers } from './queue-numbers.tsx'
import { Tabs } from './queue-tabs.tsx'
import { SchedulesPanel } from './schedules.tsx'

const openBudget = 50
const refreshBudget = 25
const refreshMs = 5000
const pageSize = 200

function useQueue(pk: string) {
  const [state, setState] = useState<QueueState>({ messages: [], isEnd: false, history: [] })
  const [error, setError] = useState<unknown>()
  const [spent, setSpent] = useState<Units>()
  const loading = useRef(false)
  const refresh = useLive(pk, refreshMs, async (signal, isFirst) => {
    try {
      const budget = isFirst ? openBudget : refreshBudget
      const { value, units } = await call<Opened>('queue.open', { pk, budget }, signal)
      setSpent(units)
      setError(undefined)
      setState((old) => ({
        stats: value.stats,
        messages: merged(old.messages, value.messages, value.isEnd),
        isEnd: value.isEnd || (old.isEnd && old.messages.length > value.messages.length),
        history: [...old.history, value.stats].slice(-60),
      }))
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  const more = async (limit = pageSize): Promise<void> => {
    const { messages, isEnd } = state
    if (loading.current || isEnd || messages.length === 0) return
    loading.current = true
    try {
      const { value } = await call<MessagePage>('queue.peek', { pk, limit, after: messages.at(-1)!.sk })
      setState((old) => ({
        ...old,
        messages: [
          ...old.messages,
          ...value.messages.filter(({ sk }) => sk > (old.messages.at(-1)?.sk ?? '')),
        ],
        isEnd: value.isEnd,
      }))
    } catch (failure) {
      setError(failure)
    } finally {
      loading.current = false
    }
  }
  return { state, error, spent, refresh, more }
}

export function QueueView({ pk }: { pk: string }) {
  visit('queues', pk)
  const tab = useStore(route).query.tab ?? 'messages'
  const place = tab === 'dead' ? `${pk}#dead` : pk
  return (
    <>
      <QueueHead pk={pk} />
      {tab === 'schedules' ? (
        <SchedulesPanel queue={pk} />
      ) : (
        <Messages key={place} pk={place} queue={pk} tab={tab} />
      )}
    </>
  )
}

function QueueHead({ pk }: { pk: string }) {
  return (
    <nav class="small dim" aria-label="Where you are">
      <a href={linkTo('queues')}>Queues</a> / {pk}
    </nav>
  )
}

function Messages({ pk, queue, tab }: { pk: string; queue: string; tab: string }) {
  const { state, error, spent, refresh, more } = useQueue(pk)
  const now = useClock()
  const write = useStore(about)?.write ?? false
  return (
    <>
      <div class="head">
        <h1>{queue}</h1>
        {state.stats?.paused && <Badge tone="warn">paused</Badge>}
        <span class="fill" />
        <Budget
          most={`up to ${openBudget} RRU, then ${refreshBudget} each ${refreshMs / 1000} s`}
          spent={spent}
        />
        <button type="button" onClick={refresh}>
          Refresh
        </button>
        {tab !== 'dead' && (
          <PauseButton pk={queue} isPaused={state.stats?.paused ?? false} write={write} done={refresh} />
        )}
      </div>
      {error !== undefined && <Problem error={error} retry={refresh} />}
      <QueueNumbers state={state} isDead={tab === 'dead'} />
      <Tabs queue={queue} tab={tab} dead={tab === 'dead' ? state.stats?.ready : state.stats?.dead} />
      <MessageList pk={pk} state={state} more={more} now={now} write={write} done={refresh} />
    </>
  )
}
