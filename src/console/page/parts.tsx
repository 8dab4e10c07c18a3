/** Small parts that all views use. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { CallError, type Units } from './api.ts'
import { unitsText } from './format.ts'
import { createStore, useStore } from './store.ts'

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | ''

export const Badge = ({
  tone = '',
  dot,
  children,
}: {
  tone?: Tone
  dot?: boolean
  children: ComponentChildren
}) => (
  <span class={`badge ${tone}`}>
    {dot && <span class="dot" />}
    {children}
  </span>
)

/** What a view is about to read, and what it has read. */
export const Budget = ({ most, spent }: { most: string; spent?: Units | undefined }) => (
  <span class="small dim num nowrap">
    {most}
    {spent && ` · read ${unitsText(spent.read)} RRU`}
  </span>
)

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error)
  const isTrouble = error instanceof CallError && error.isTrouble
  return (
    <div class="notice bad row" role="alert">
      <span class="grow">{message}</span>
      {isTrouble && <span class="small">It goes on when the database answers again.</span>}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** A line over the last values, without axes: its title says the last one. */
export function Spark({ values, title }: { values: readonly number[]; title: string }) {
  if (values.length < 2) return <svg class="spark" viewBox="0 0 100 26" role="img" aria-label={title} />
  const most = Math.max(1, ...values)
  const points = values.map((value, i) => {
    const x = (i / (values.length - 1)) * 100
    return `${x.toFixed(1)},${(24 - (value / most) * 22).toFixed(1)}`
  })
  const line = `M${points.join('L')}`
  return (
    <svg class="spark" viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label={title}>
      <path class="area" d={`${line}L100,26L0,26Z`} />
      <path class="line" d={line} />
    </svg>
  )
}

/** One bar for each value. */
export function Bars({ values, title }: { values: readonly number[]; title: string }) {
  const most = Math.max(1, ...values)
  const width = 100 / Math.max(1, values.length)
  return (
    <svg class="bars" viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label={title}>
      {values.map((value, i) => {
        const height = (value / most) * 25
        return <rect key={i} x={i * width} y={26 - height} width={width * 0.8} height={height} />
      })}
    </svg>
  )
}

export const Facts = ({ of }: { of: readonly [string, ComponentChildren][] }) => (
  <dl class="facts">
    {of
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => (
        <>
          <dt key={`${name} name`}>{name}</dt>
          <dd key={name}>{value}</dd>
        </>
      ))}
  </dl>
)

// Messages that go by themselves.

interface Toast {
  id: number
  tone: Tone
  text: string
}
const toasts = createStore<Toast[]>([])
let toastId = 0

export function toast(text: string, tone: Tone = 'good'): void {
  const id = ++toastId
  toasts.set([...toasts.get().slice(-3), { id, tone, text }])
  setTimeout(() => toasts.set(toasts.get().filter((one) => one.id !== id)), 6000)
}

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {useStore(toasts).map(({ id, tone, text }) => (
      <div key={id} class={`notice ${tone}`}>
        {text}
      </div>
    ))}
  </div>
)

// What cannot be undone is confirmed by typing a name.

interface Question {
  title: string
  consequences: readonly string[]
  /** What must be typed. */
  expected: string
  action: string
  run(confirm: string): Promise<unknown>
}
const question = createStore<Question | undefined>(undefined)

/** Asks, runs, and says how it went. */
export const confirmThen = (asked: Question): void => question.set(asked)

export function ConfirmDialog() {
  const asked = useStore(question)
  return asked ? <OpenDialog key={asked.title} asked={asked} /> : null
}

function OpenDialog({ asked }: { asked: Question }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const close = () => question.set(undefined)
  const submit = async (event: Event) => {
    event.preventDefault()
    if (typed !== asked.expected || busy) return
    setBusy(true)
    try {
      await asked.run(typed)
      close()
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="question">
      <form onSubmit={submit} class="stack">
        <h2 id="question">{asked.title}</h2>
        <ul>
          {asked.consequences.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
        <label class="field">
          <span>
            Type <code>{asked.expected}</code> to confirm
          </span>
          <input
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            autocomplete="off"
            spellcheck={false}
            autofocus
          />
        </label>
        {error !== undefined && <Problem error={error} />}
        <div class="row">
          <span class="grow" />
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={typed !== asked.expected || busy}>
            {asked.action}
          </button>
        </div>
      </form>
    </dialog>
  )
}
