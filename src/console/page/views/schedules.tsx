/** The schedules that push to a queue. */
import { useState } from 'preact/hooks'
import { about } from '../about.ts'
import { call } from '../api.ts'
import { dateText, distance, duration } from '../format.ts'
import { useClock, useLive } from '../live.ts'
import { Badge, Budget, confirmThen, Empty, Problem, toast } from '../parts.tsx'
import { useStore } from '../store.ts'
import type { Schedule } from '../types.ts'
import { Tabs } from './queue-tabs.tsx'

const rhythm = ({ cron, timezone, everyMs }: Schedule): string =>
  cron === undefined ? `every ${duration(everyMs ?? 0)}` : `${cron} ${timezone ?? ''}`

export function SchedulesPanel({ queue }: { queue: string }) {
  const [found, setFound] = useState<Schedule[]>()
  const [error, setError] = useState<unknown>()
  const now = useClock()
  const refresh = useLive(queue, 10_000, async (signal) => {
    try {
      const { value } = await call<{ schedules: Schedule[] }>('schedule.list', {}, signal)
      setFound(value.schedules.filter(({ message }) => message.pk === queue))
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  return (
    <>
      <div class="head">
        <h1>{queue}</h1>
        <span class="fill" />
        <Budget most="1 RRU per 4 KB of schedules, each 10 s" />
      </div>
      <Tabs queue={queue} tab="schedules" />
      {error !== undefined && <Problem error={error} retry={refresh} />}
      <div class="panel">
        {found?.length === 0 && (
          <Empty title="No schedule pushes to this queue">
            <span>
              Make one with <code>schedule(db, ...)</code> or <code>npx lockrow schedules set</code>.
            </span>
          </Empty>
        )}
        {found?.map((one) => (
          <ScheduleLine key={one.name} one={one} now={now} done={refresh} />
        ))}
      </div>
    </>
  )
}

function ScheduleLine({ one, now, done }: { one: Schedule; now: number; done(): void }) {
  const write = useStore(about)?.write ?? false
  const isPaused = one.pausedAt !== undefined
  const title = write ? undefined : 'read-only: start the console with --write'
  return (
    <div class="lease">
      <div class="row">
        <strong>{one.name}</strong>
        <code>{rhythm(one)}</code>
        {isPaused && <Badge tone="warn">paused</Badge>}
        <span class="grow" />
        {isPaused ? (
          <button type="button" disabled={!write} title={title} onClick={() => resume(one, done)}>
            Resume
          </button>
        ) : (
          <button type="button" disabled={!write} title={title} onClick={() => ask('pause', one, done)}>
            Pause
          </button>
        )}
        <button
          type="button"
          class="bad"
          disabled={!write}
          title={title}
          onClick={() => ask('remove', one, done)}
        >
          Remove
        </button>
      </div>
      <span class="small dim">
        {one.nextAt === undefined
          ? 'no next run'
          : `next ${dateText(one.nextAt)}, ${distance(one.nextAt, now)}`}
        {one.lastAt !== undefined && ` · last ${distance(one.lastAt, now)}`} · sent {one.fired} · missed
        ticks: {one.missed}
      </span>
      {one.message.json !== undefined && <code class="cut">{one.message.json}</code>}
    </div>
  )
}

async function resume({ name }: Schedule, done: () => void): Promise<void> {
  try {
    await call('schedule.resume', { name })
    toast(`${name} goes on`)
  } catch (error) {
    toast((error as Error).message, 'bad')
  }
  done()
}

const consequences = {
  pause: ['No tick is sent until it is resumed; ticks come again from the next one on.'],
  remove: ['It is gone, with its counts. What it has pushed stays in the queue.'],
}

const ask = (what: 'pause' | 'remove', { name }: Schedule, done: () => void): void =>
  confirmThen({
    title: `${what === 'pause' ? 'Pause' : 'Remove'} the schedule ${name}?`,
    consequences: consequences[what],
    expected: name,
    action: what === 'pause' ? 'Pause' : 'Remove',
    run: async (confirm) => {
      await call(`schedule.${what}`, { name, confirm })
      toast(`${name}: ${what}d`, 'warn')
      done()
    },
  })
