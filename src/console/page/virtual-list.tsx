/** A list that draws only the rows that are seen: a hundred thousand cost as much as thirty. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export const rowHeight = 36
const spare = 8

interface Props<T> {
  rows: readonly T[]
  label: string
  /** Columns of the grid. */
  columns: string
  keyOf(row: NoInfer<T>): string
  draw(row: T): ComponentChildren
  isSelected?(row: T): boolean
  at?: number
  onMove?(index: number): void
  onOpen?(row: T): void
  onToggle?(row: T): void
  /** The end is near. */
  onEnd?(): void
}

interface Window {
  first: number
  last: number
}

function windowOf(list: HTMLElement, length: number): Window {
  const first = Math.max(0, Math.floor(list.scrollTop / rowHeight) - spare)
  const last = Math.min(length, Math.ceil((list.scrollTop + list.clientHeight) / rowHeight) + spare)
  return { first, last }
}

export function VirtualList<T>(props: Props<T>) {
  const { rows, label, columns, keyOf, draw, isSelected, at = -1, onOpen, onEnd } = props
  const list = useRef<HTMLDivElement>(null)
  const [{ first, last }, setWindow] = useState<Window>({ first: 0, last: 40 })
  const look = () => {
    if (!list.current) return
    const next = windowOf(list.current, rows.length)
    setWindow((old) => (old.first === next.first && old.last === next.last ? old : next))
    if (next.last >= rows.length - 30) onEnd?.()
  }
  useEffect(look, [rows.length])
  const keys = useKeys(props, list)
  return (
    <div
      class="list"
      ref={list}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length}
      tabIndex={0}
      aria-activedescendant={at >= first && at < last ? `row-${at}` : undefined}
      onScroll={look}
      onKeyDown={keys}
    >
      <div class="all" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(first, last).map((row, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys
          <div
            key={keyOf(row)}
            class={`line ${columns}${onOpen ? ' click' : ''}${first + i === at ? ' at' : ''}`}
            role="row"
            id={`row-${first + i}`}
            aria-rowindex={first + i + 1}
            aria-selected={isSelected?.(row) ?? false}
            style={{ top: `${(first + i) * rowHeight}px` }}
            onClick={() => {
              props.onMove?.(first + i)
              onOpen?.(row)
            }}
          >
            {draw(row)}
          </div>
        ))}
      </div>
    </div>
  )
}

const steps: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 15,
  PageUp: -15,
  j: 1,
  k: -1,
}

function useKeys<T>(
  { rows, at = -1, onMove, onOpen, onToggle }: Props<T>,
  list: { current: HTMLDivElement | null },
) {
  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index))
    onMove?.(next)
    const box = list.current!
    const top = next * rowHeight
    if (top < box.scrollTop) box.scrollTop = top
    else if (top + rowHeight > box.scrollTop + box.clientHeight)
      box.scrollTop = top + rowHeight - box.clientHeight
  }
  return (event: KeyboardEvent) => {
    const step = steps[event.key]
    const row = rows[at]
    if (step !== undefined) moveTo(at + step)
    else if (event.key === 'Home') moveTo(0)
    else if (event.key === 'End') moveTo(rows.length - 1)
    else if (event.key === 'Enter' && row) onOpen?.(row)
    else if (event.key === ' ' && row && onToggle) onToggle(row)
    else return
    event.preventDefault()
  }
}

/** Cells of a row. */
export const Cell = ({
  class: name = '',
  title,
  children,
}: {
  class?: string
  title?: string
  children?: ComponentChildren
}) => (
  <span role="gridcell" class={`cut ${name}`} title={title}>
    {children}
  </span>
)
