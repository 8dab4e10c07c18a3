/** One lease: its holders with the time they have left, who waits, and a way to take it away. */
import { call } from '../api.ts'
import { dateText, distance, duration } from '../format.ts'
import { Badge, confirmThen, toast } from '../parts.tsx'
import { linkTo } from '../route.ts'
import type { Holder, Lease, Process } from '../types.ts'

interface Props {
  lease: Lease
  processes: readonly Process[]
  now: number
  write: boolean
  done(): void
}

export function LeaseLine({ lease, processes, now, write, done }: Props) {
  const { pk, sk, kind, token, holders, line } = lease
  const waiting = line.filter(({ until = 0 }) => until > now)
  return (
    <article class="lease" aria-label={`${kind} ${pk} / ${sk}`}>
      <div class="row">
        <Badge>{kind}</Badge>
        <a href={linkTo('items', [pk, sk])}>
          <strong>
            {pk} / {sk}
          </strong>
        </a>
        {token !== undefined && <span class="small dim num">fencing token {token}</span>}
        <span class="grow" />
        {holders.length === 0 && <Badge tone="good">free</Badge>}
      </div>
      {holders.map((one) => (
        <HolderLine
          key={one.id}
          lease={lease}
          holder={one}
          processes={processes}
          now={now}
          write={write}
          done={done}
        />
      ))}
      {waiting.length > 0 && (
        <div class="queue-line small dim">
          waits:
          {waiting.slice(0, 12).map(({ id, until }, i) => (
            <Badge key={id}>
              {i + 1}. <code>{id.slice(0, 10)}</code>{' '}
              {until !== undefined && `ticket ${distance(until, now)}`}
            </Badge>
          ))}
          {waiting.length > 12 && <span>and {waiting.length - 12} more</span>}
        </div>
      )}
    </article>
  )
}

function processOf({ process }: Holder, processes: readonly Process[], now: number) {
  if (!process) return undefined
  const found = processes.find(({ pk, sk }) => pk === process.pk && sk === process.sk)
  if (!found || found.until <= now) return <Badge tone="bad">process dead</Badge>
  return found.draining ? <Badge tone="warn">draining</Badge> : <Badge tone="good">process alive</Badge>
}

/** The length is that of the lease where the row says it; else the longest that was seen. */
const seen = new Map<string, number>()
function partLeft({ id, until, since, leaseMs }: Holder, now: number): number {
  if (until === undefined) return 1
  const left = Math.max(0, until - now)
  const whole = leaseMs ?? Math.max(seen.get(id) ?? 0, since === undefined ? left : until - since)
  seen.set(id, Math.max(whole, left))
  return whole > 0 ? Math.min(1, left / whole) : 0
}

function HolderLine({ lease, holder, processes, now, write, done }: Props & { holder: Holder }) {
  const { id, label, role, until, since } = holder
  const part = partLeft(holder, now)
  const isOver = until !== undefined && until <= now
  return (
    <div class="holder">
      <Badge tone={isOver ? '' : 'accent'}>{role}</Badge>
      <span class="cut" title={id}>
        {label ? <strong>{label} </strong> : null}
        <code class="dim">{id}</code> {processOf(holder, processes, now)}
        {since !== undefined && (
          <span class="small dim" title={dateText(since)}>
            {' '}
            held for {duration(now - since)}
          </span>
        )}
      </span>
      <span class="stack" style={{ gap: '3px' }}>
        <span
          class="bar"
          role="img"
          aria-label={isOver ? 'the lease is over' : `${Math.round(part * 100)} % left`}
        >
          <i class={part < 0.15 ? 'bad' : part < 0.4 ? 'warn' : ''} style={{ width: `${part * 100}%` }} />
        </span>
        <span class="small dim num">
          {until === undefined
            ? 'until it is released'
            : isOver
              ? 'over, not released'
              : `${duration(until - now)} left`}
        </span>
      </span>
      <button
        type="button"
        class="bad"
        disabled={!write}
        title={write ? undefined : 'read-only: start the console with --write'}
        onClick={() => ask(lease, holder, done)}
      >
        Force release
      </button>
    </div>
  )
}

const ask = ({ pk, sk, kind }: Lease, { id, label, role }: Holder, done: () => void): void =>
  confirmThen({
    title: `Take the ${kind} ${sk} from ${label ?? id}?`,
    consequences: [
      'Its holder goes on working until its next extension or write: until then two may hold it.',
      role === 'owner' || role === 'writer'
        ? 'Writes with its fencing token (fencedWrite) are refused from the next holder on. Other writes of it still land.'
        : 'It has no fencing token: nothing refuses its late writes.',
      'Only if it is still this holder; otherwise nothing changes.',
    ],
    expected: sk,
    action: 'Force release',
    run: async (confirm) => {
      const { value } = await call<{ released: boolean }>('lease.forceRelease', {
        pk,
        sk,
        holder: id,
        confirm,
      })
      if (value.released) toast(`${sk} was taken from ${label ?? id}`, 'warn')
      else toast(`${sk} has changed hands meanwhile: nothing was done`, 'warn')
      done()
    },
  })
