/** Items of a partition, page by page, and one of them to look at and to edit. */
import { useEffect, useState } from 'preact/hooks'
import { about, inventory, visit, visited } from '../about.ts'
import { call } from '../api.ts'
import { bytes, count, cut, dateText } from '../format.ts'
import { Budget, Empty, Problem } from '../parts.tsx'
import { go, linkTo, route, setQuery } from '../route.ts'
import { ScanPanel } from '../scan-panel.tsx'
import { useStore } from '../store.ts'
import type { Item } from '../types.ts'
import { Cell, VirtualList } from '../virtual-list.tsx'
import { Collections } from './collections.tsx'
import { ItemPanel } from './item-panel.tsx'

const pageSize = 100

export function ItemsView({ parts: [pk, sk] }: { parts: readonly string[] }) {
  return (
    <>
      <div class="head">
        <h1>{pk ?? 'Items'}</h1>
        <span class="fill" />
        {pk !== undefined && <Budget most={`${pageSize} items a page: up to 25 RRU at 1 KB`} />}
        <OpenItem />
      </div>
      {pk === undefined ? <Partitions /> : <Partition key={pk} pk={pk} sk={sk} />}
    </>
  )
}

function OpenItem() {
  const [pk, setPk] = useState('')
  const [sk, setSk] = useState('')
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        if (pk !== '') go(linkTo('items', sk === '' ? [pk] : [pk, sk]))
      }}
    >
      <input
        data-search
        aria-label="Partition key"
        placeholder="pk"
        value={pk}
        onInput={(event) => setPk(event.currentTarget.value)}
      />
      <input
        aria-label="Sort key, for one item"
        placeholder="sk (optional)"
        value={sk}
        onInput={(event) => setSk(event.currentTarget.value)}
      />
      <button type="submit">Open</button>
    </form>
  )
}

/** Where somebody has been, and what scans have found. */
function Partitions() {
  const found = useStore(inventory).partitions
  const { partitions } = useStore(visited)
  const [internal, setInternal] = useState(false)
  const names = new Set([...partitions, ...found.keys()])
  const shown = [...names].filter((name) => internal || !found.get(name)?.internal).sort()
  return (
    <>
      {(useStore(about)?.collections ?? 0) > 0 && <Collections />}
      <section class="panel" aria-label="Partitions">
        <header>
          <h2 class="grow">Partitions</h2>
          <label class="row small dim">
            <input type="checkbox" checked={internal} onChange={() => setInternal(!internal)} />
            of the library too
          </label>
        </header>
        {shown.length === 0 ? (
          <Empty title="No partition is known yet">
            <span>Open one by its key, or scan the table.</span>
          </Empty>
        ) : (
          <div class="scroll" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th>Partition</th>
                  <th class="right">Items</th>
                  <th class="right">Messages</th>
                  <th class="right">Locks</th>
                  <th class="right">Size</th>
                </tr>
              </thead>
              <tbody>
                {shown.slice(0, 1000).map((name) => (
                  <PartitionRow key={name} name={name} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <ScanPanel finds="all partitions" />
    </>
  )
}

function PartitionRow({ name }: { name: string }) {
  const one = inventory.get().partitions.get(name)
  const isQueue = one !== undefined && one.messages > 0
  return (
    <tr class="link">
      <td class="wrap">
        <a href={isQueue ? linkTo('queues', [name]) : linkTo('items', [name])}>{name}</a>
      </td>
      <td class="right num">{one ? count(one.items) : '–'}</td>
      <td class="right num">{one ? count(one.messages) : '–'}</td>
      <td class="right num">{one ? count(one.locks) : '–'}</td>
      <td class="right num nowrap">{one ? bytes(one.bytes) : '–'}</td>
    </tr>
  )
}

interface PageOfItems {
  items: Item[]
  cursor?: string
}

function useItems(pk: string) {
  const { query } = useStore(route)
  const range = {
    prefix: query.prefix ?? '',
    from: query.from ?? '',
    to: query.to ?? '',
    reverse: query.reverse === '1',
  }
  const key = JSON.stringify([pk, range])
  const [items, setItems] = useState<Item[]>()
  const [cursor, setCursor] = useState<string>()
  const [error, setError] = useState<unknown>()
  const load = async (after?: string, signal?: AbortSignal) => {
    try {
      const { value } = await call<PageOfItems>(
        'item.page',
        { pk, ...range, limit: pageSize, cursor: after },
        signal,
      )
      setItems((old) => (after === undefined ? value.items : [...(old ?? []), ...value.items]))
      setCursor(value.cursor)
      setError(undefined)
    } catch (failure) {
      if (!signal?.aborted) setError(failure)
    }
  }
  useEffect(() => {
    const ended = new AbortController()
    const timer = setTimeout(() => void load(undefined, ended.signal), 150)
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [key])
  return { items, cursor, error, load, range }
}

function Partition({ pk, sk }: { pk: string; sk: string | undefined }) {
  visit('partitions', pk)
  const { items, cursor, error, load, range } = useItems(pk)
  const [at, setAt] = useState(-1)
  const field = (name: 'prefix' | 'from' | 'to', label: string) => (
    <label class="field">
      {label}
      <input value={range[name]} onInput={(event) => setQuery({ [name]: event.currentTarget.value })} />
    </label>
  )
  return (
    <>
      <nav class="small dim" aria-label="Where you are">
        <a href={linkTo('items')}>Items</a> / <a href={linkTo('items', [pk])}>{pk}</a>
        {sk === undefined ? '' : ` / ${sk}`}
      </nav>
      {error !== undefined && <Problem error={error} retry={() => void load()} />}
      <div class={sk === undefined ? 'split alone' : 'split'}>
        <section class="panel" aria-label="Items">
          <header>
            {field('prefix', 'sk begins with')}
            {field('from', 'from')}
            {field('to', 'to')}
            <label class="row small dim">
              <input
                type="checkbox"
                checked={range.reverse}
                onChange={() => setQuery({ reverse: range.reverse ? '' : '1' })}
              />
              last first
            </label>
          </header>
          <div class="columns items">
            <span>Sort key</span>
            <span class="wide">Expires</span>
            <span>Data</span>
          </div>
          {items?.length === 0 ? (
            <Empty title="No items in this range">
              <span>Locks, messages and expired rows are not items.</span>
            </Empty>
          ) : (
            <VirtualList
              rows={items ?? []}
              label={`Items of ${pk}`}
              columns="items"
              keyOf={(one) => one.sk}
              at={at}
              onMove={setAt}
              isSelected={(one) => one.sk === sk}
              onOpen={(one) => go(linkTo('items', [pk, one.sk], route.get().query))}
              onEnd={() => undefined}
              draw={(one) => (
                <>
                  <Cell class="mono" title={one.sk}>
                    {one.sk}
                  </Cell>
                  <Cell class="wide dim small">{one.ttl === undefined ? '' : dateText(one.ttl * 1000)}</Cell>
                  <Cell class="mono">{cut(one.json ?? '', 300)}</Cell>
                </>
              )}
            />
          )}
          <footer class="in row small dim">
            <span class="grow num" role="status">
              {items === undefined
                ? 'Reading…'
                : `${items.length.toLocaleString('en-US')} loaded${cursor ? '' : ': all of the range'}`}
            </span>
            {cursor !== undefined && (
              <button type="button" onClick={() => void load(cursor)}>
                Next {pageSize}
              </button>
            )}
          </footer>
        </section>
        {sk !== undefined && <ItemPanel key={sk} pk={pk} sk={sk} changed={() => void load()} />}
      </div>
    </>
  )
}
