/** One item: shown as a tree, watched while somebody looks, edited under the condition that it is still what was shown. */
import { useState } from 'preact/hooks'
import { about } from '../about.ts'
import { call } from '../api.ts'
import { dateText, distance } from '../format.ts'
import { JsonTree } from '../json-tree.tsx'
import { useClock, useLive } from '../live.ts'
import { Badge, Budget, Facts, Problem } from '../parts.tsx'
import { go, linkTo } from '../route.ts'
import { useStore } from '../store.ts'
import type { Item } from '../types.ts'
import { ItemEditor } from './item-editor.tsx'
import { History, type Version } from './item-history.tsx'

interface Got {
  item?: Item
  lock?: { version: string; ttl: number }
  at: number
}

const watchMs = 2000
const versionsKept = 100

const isSame = (a: Item | undefined, b: Item | undefined): boolean => a?.json === b?.json && a?.ttl === b?.ttl

function useItem(pk: string, sk: string, watches: boolean) {
  const [got, setGot] = useState<Got>()
  const [history, setHistory] = useState<Version[]>([])
  const [error, setError] = useState<unknown>()
  const refresh = useLive(`${pk} ${sk}`, watchMs, async (signal, isFirst) => {
    if (!isFirst && !watches) return
    try {
      const { value } = await call<Got>('item.get', { pk, sk }, signal)
      setGot(value)
      setHistory((old) =>
        old.length > 0 && isSame(old.at(-1)!.item, value.item)
          ? old
          : [...old, { at: value.at, item: value.item }].slice(-versionsKept),
      )
      setError(undefined)
    } catch (failure) {
      if (!signal.aborted) setError(failure)
    }
  })
  return { got, history, error, refresh }
}

export function ItemPanel({ pk, sk, changed }: { pk: string; sk: string; changed(): void }) {
  const [watches, setWatches] = useState(false)
  const [edited, setEdited] = useState<{ shown: Item | undefined }>()
  const { got, history, error, refresh } = useItem(pk, sk, watches)
  const write = useStore(about)?.write ?? false
  return (
    <aside class="panel drawer" aria-label={`Item ${sk}`}>
      <header>
        <h2 class="grow cut" title={sk}>
          {sk}
        </h2>
        <label class="row small dim">
          <input type="checkbox" checked={watches} onChange={() => setWatches(!watches)} />
          watch
        </label>
        <button
          type="button"
          class="plain"
          aria-label="Close the item"
          onClick={() => go(linkTo('items', [pk]))}
        >
          ✕
        </button>
      </header>
      <div class="in stack">
        <Budget
          most={
            watches
              ? `2 RRU each ${watchMs / 1000} s, for an item up to 4 KB`
              : '2 RRU for an item up to 4 KB'
          }
        />
        {error !== undefined && <Problem error={error} retry={refresh} />}
        {got && <ItemFacts got={got} />}
        {edited ? (
          <ItemEditor
            pk={pk}
            sk={sk}
            shown={edited.shown}
            done={(isChanged) => {
              setEdited(undefined)
              refresh()
              if (isChanged) changed()
            }}
          />
        ) : (
          <Shown got={got} write={write} edit={(shown) => setEdited({ shown })} />
        )}
        {history.length > 1 && <History versions={history} />}
      </div>
    </aside>
  )
}

function ItemFacts({ got: { item, lock } }: { got: Got }) {
  const now = useClock()
  const expiry = item?.ttl === undefined ? undefined : item.ttl * 1000
  return (
    <Facts
      of={[
        ['expires', expiry === undefined ? 'never' : `${dateText(expiry)}, ${distance(expiry, now)}`],
        ['lock version', lock && <code>{lock.version}</code>],
        ['lock expires', lock && dateText(lock.ttl * 1000)],
      ]}
    />
  )
}

function Shown({
  got,
  write,
  edit,
}: {
  got: Got | undefined
  write: boolean
  edit(item: Item | undefined): void
}) {
  if (!got) return <span class="dim">Reading…</span>
  const { item } = got
  const title = write ? undefined : 'read-only: start the console with --write'
  return (
    <>
      {item ? (
        <div class="tree">
          {item.json === undefined ? (
            <span class="dim">no data</span>
          ) : (
            <JsonTree value={JSON.parse(item.json)} />
          )}
        </div>
      ) : (
        <Badge>there is no item with this key, or it is a lock or a message</Badge>
      )}
      <div class="row">
        <button type="button" disabled={!write} title={title} onClick={() => edit(item)}>
          {item ? 'Edit' : 'Make one'}
        </button>
      </div>
    </>
  )
}
