/** JSON as a tree, whose values may be edited one by one. */
import { useState } from 'preact/hooks'

export type Path = readonly (string | number)[]

interface Props {
  value: unknown
  path?: Path
  name?: string
  /** A new value at a path. Absent: it is only shown. */
  onEdit?: ((path: Path, value: unknown) => void) | undefined
}

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null

const kindOf = (value: unknown): string =>
  typeof value === 'string' ? 's' : typeof value === 'number' || typeof value === 'boolean' ? 'n' : ''

/** A copy with another value at a path. */
export function withValue(root: unknown, path: Path, value: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  const copy = (Array.isArray(root) ? [...root] : { ...(root as object) }) as Record<string | number, unknown>
  copy[first] = withValue(copy[first], rest, value)
  return copy
}

export function JsonTree({ value, path = [], name, onEdit }: Props) {
  const label = name === undefined ? null : <span class="k">{name}: </span>
  if (!isBranch(value))
    return (
      <>
        {label}
        <Leaf value={value} path={path} onEdit={onEdit} />
      </>
    )
  const entries = Object.entries(value)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  if (entries.length === 0)
    return (
      <>
        {label}
        {open}
        {close}
      </>
    )
  return (
    <details open={path.length < 2}>
      <summary>
        {label}
        <span class="dim">
          {open}
          {entries.length}
          {close}
        </span>
      </summary>
      <ul>
        {entries.map(([key, inner]) => (
          <li key={key}>
            <JsonTree
              value={inner}
              path={[...path, Array.isArray(value) ? Number(key) : key]}
              name={key}
              onEdit={onEdit}
            />
          </li>
        ))}
      </ul>
    </details>
  )
}

function Leaf({ value, path, onEdit }: Props) {
  const [draft, setDraft] = useState<string>()
  const text = JSON.stringify(value) ?? 'nothing'
  if (draft === undefined)
    return onEdit ? (
      <button type="button" class={kindOf(value)} title="Edit this value" onClick={() => setDraft(text)}>
        {text}
      </button>
    ) : (
      <span class={kindOf(value)}>{text}</span>
    )
  const keep = () => {
    setDraft(undefined)
    const parsed = parsedOrText(draft)
    if (draft !== text) onEdit!(path!, parsed)
  }
  return (
    <input
      value={draft}
      aria-label={`Value of ${path!.join('.')}`}
      autofocus
      onInput={(event) => setDraft(event.currentTarget.value)}
      onBlur={keep}
      onKeyDown={(event) => {
        if (event.key === 'Enter') keep()
        if (event.key === 'Escape') setDraft(undefined)
      }}
    />
  )
}

/** What is no JSON is a text. */
function parsedOrText(draft: string): unknown {
  try {
    return JSON.parse(draft)
  } catch {
    return draft
  }
}
