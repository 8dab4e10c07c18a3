/** The frame around the views. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { type About, about } from './about.ts'
import { call, keepToken, spending, trouble } from './api.ts'
import { unitsText } from './format.ts'
import { Icon, Mark } from './icons.tsx'
import { live } from './live.ts'
import { Badge, ConfirmDialog, Empty, Toasts } from './parts.tsx'
import { go, linkTo, route } from './route.ts'
import { useStore } from './store.ts'
import { switchTheme, theme } from './theme.ts'
import { CostView } from './views/cost.tsx'
import { ItemsView } from './views/items.tsx'
import { LeasesView } from './views/leases.tsx'
import { QueueView } from './views/queue.tsx'
import { QueuesView } from './views/queues.tsx'
import { TransactionsView } from './views/transactions.tsx'

const views = [
  ['queues', 'Queues'],
  ['locks', 'Locks and leases'],
  ['items', 'Items'],
  ['transactions', 'Transactions'],
  ['cost', 'Cost'],
] as const

const retryMs = 3000

/** Asked until it is answered: the server may be started again. */
function useAbout(): About | undefined {
  const broken = useStore(trouble)
  const known = useStore(about)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = () =>
      call<About>('about').then(
        ({ value }) => about.set(value),
        () => {
          if (!trouble.get()?.needsToken) timer = setTimeout(ask, retryMs)
        },
      )
    if (!known && !broken?.needsToken) void ask()
    return () => clearTimeout(timer)
  }, [known, broken?.needsToken])
  return known
}

function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      const isTyping =
        target.matches('input, textarea, select') || document.querySelector('dialog[open]') !== null
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      const view = views[Number(event.key) - 1]
      if (view) go(linkTo(view[0]))
      if (event.key !== '/') return
      document.querySelector<HTMLElement>('[data-search]')?.focus()
      event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}

export function App() {
  const known = useAbout()
  const broken = useStore(trouble)
  const main = useRef<HTMLElement>(null)
  useShortcuts()
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Side />
      <div>
        <Top known={known} />
        {broken && !broken.needsToken && (
          <div class="banner" role="alert">
            <span class="dot" />
            <span>{broken.message}</span>
            <span class="small">It goes on by itself when it answers again.</span>
          </div>
        )}
      </div>
      <main ref={main} tabIndex={-1}>
        {broken?.needsToken ? (
          <TokenForm message={broken.message} />
        ) : known ? (
          <View />
        ) : (
          <Empty title="Connecting…" />
        )}
      </main>
      <ConfirmDialog />
      <Toasts />
    </div>
  )
}

function Side() {
  const { view } = useStore(route)
  return (
    <nav class="side" aria-label="Views">
      <div class="brand">
        <Mark /> lockrow
      </div>
      {views.map(([name, label], i) => (
        <a key={name} href={linkTo(name)} aria-current={view === name ? 'page' : undefined}>
          <Icon of={name} /> {label} <kbd>{i + 1}</kbd>
        </a>
      ))}
      <div class="foot">
        <span>
          <kbd>1</kbd> to <kbd>5</kbd> views, <kbd>/</kbd> search
        </span>
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> rows, <kbd>Enter</kbd> opens, <kbd>Space</kbd> selects
        </span>
      </div>
    </nav>
  )
}

const liveTexts = { on: 'Live', off: 'Not live', asleep: 'Asleep' } as const

function Top({ known }: { known: About | undefined }) {
  const { units, measured } = useStore(spending)
  const state = useStore(live)
  const current = useStore(theme)
  return (
    <header class="top">
      <strong>{known?.title ?? '…'}</strong>
      <span class="where small">{known?.where}</span>
      {known && <Badge tone={known.write ? 'warn' : ''}>{known.write ? 'write' : 'read-only'}</Badge>}
      <span class="fill" />
      {measured && (
        <a class="small num" href={linkTo('cost')} title="What this page has spent">
          {unitsText(units.read)} RRU{units.write > 0 && ` · ${unitsText(units.write)} WRU`}
        </a>
      )}
      <button
        type="button"
        class="plain"
        aria-pressed={state === 'on'}
        title="Views refresh by themselves while you look"
        onClick={() => live.set(state === 'on' ? 'off' : 'on')}
      >
        <Badge tone={state === 'on' ? 'good' : ''} dot>
          {liveTexts[state]}
        </Badge>
      </button>
      <button
        type="button"
        class="plain"
        aria-label={current === 'dark' ? 'Light colours' : 'Dark colours'}
        onClick={switchTheme}
      >
        {current === 'dark' ? '☀' : '☾'}
      </button>
    </header>
  )
}

function View() {
  const { view, parts } = useStore(route)
  if (view === 'queues')
    return parts[0] === undefined ? <QueuesView /> : <QueueView key={parts[0]} pk={parts[0]} />
  if (view === 'locks') return <LeasesView key={parts[0]} pk={parts[0]} />
  if (view === 'items') return <ItemsView parts={parts} />
  if (view === 'transactions') return <TransactionsView />
  if (view === 'cost') return <CostView />
  return (
    <Empty title="There is no such view">
      <a href={linkTo('queues')}>Go to the queues</a>
    </Empty>
  )
}

function TokenForm({ message }: { message: string }) {
  const [given, setGiven] = useState('')
  return (
    <form
      class="empty"
      onSubmit={(event) => {
        event.preventDefault()
        keepToken(/token=([\w-]+)/.exec(given)?.[1] ?? given)
        trouble.set(undefined)
        location.reload()
      }}
    >
      <strong>{message}</strong>
      <label class="field">
        The link, or the token in it
        <input value={given} onInput={(event) => setGiven(event.currentTarget.value)} autocomplete="off" />
      </label>
      <button type="submit" class="main">
        Open
      </button>
    </form>
  )
}
