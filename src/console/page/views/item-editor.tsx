import { useState } from 'preact/hooks'
import { call } from '../api.ts'
import { differences } from '../item-differences.ts'
import { JsonTree, withValue } from '../json-tree.tsx'
import { confirmThen, Problem, toast } from '../parts.tsx'
import type { Item } from '../types.ts'

interface Props {
  pk: string
  sk: string
  shown: Item | undefined
  done(isChanged: boolean): void
}

interface Saved {
  saved: boolean
  item?: Item
}

const pretty = (json: string | undefined): string =>
  json === undefined ? '{}' : JSON.stringify(JSON.parse(json), null, 2)

const parsed = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** For an input of a local date and time. */
const localTime = (seconds: number | undefined): string => {
  if (seconds === undefined) return ''
  const date = new Date(seconds * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
const secondsOf = (local: string): number | undefined =>
  local === '' ? undefined : Math.floor(new Date(local).getTime() / 1000)

/** Tree or JSON; what is saved is only what differs from what was shown. */
export function ItemEditor({ pk, sk, shown, done }: Props) {
  const [draft, setDraft] = useState(pretty(shown?.json))
  const [ttl, setTtl] = useState(shown?.ttl)
  const [mode, setMode] = useState<'tree' | 'json'>(shown?.json === undefined ? 'json' : 'tree')
  const [conflict, setConflict] = useState<{ item: Item | undefined }>()
  const good = parsed(draft)
  const changes = good ? differences(shown, { pk, sk, json: JSON.stringify(good.value), ttl }) : []
  const save = () =>
    askSave({ pk, sk, shown, draft, ttl, changes: changes.length, done, conflict: setConflict })
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <div class="row" role="group" aria-label="Edit as">
        {(['tree', 'json'] as const).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={mode === one}
            class={mode === one ? 'main' : ''}
            onClick={() => setMode(one)}
          >
            {one === 'tree' ? 'Tree' : 'JSON'}
          </button>
        ))}
      </div>
      {mode === 'tree' && good ? (
        <div class="tree">
          <JsonTree
            value={good.value}
            onEdit={(path, value) => setDraft(JSON.stringify(withValue(good.value, path, value), null, 2))}
          />
        </div>
      ) : (
        <textarea
          aria-label="Data as JSON"
          value={draft}
          spellcheck={false}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
      )}
      {!good && <span class="notice bad">This is not JSON yet.</span>}
      <label class="field">
        Expires (empty: never)
        <input
          type="datetime-local"
          step="1"
          value={localTime(ttl)}
          onInput={(event) => setTtl(secondsOf(event.currentTarget.value))}
        />
      </label>
      <Changes of={changes} />
      {conflict && (
        <Problem error="Somebody has changed it meanwhile: nothing was saved. Close the editor to see what is there now." />
      )}
      <div class="row">
        {shown && (
          <button
            type="button"
            class="bad"
            onClick={() => askDelete({ pk, sk, shown, done, conflict: setConflict })}
          >
            Delete
          </button>
        )}
        <span class="grow" />
        <button type="button" onClick={() => done(conflict !== undefined)}>
          {conflict ? 'Close' : 'Cancel'}
        </button>
        <button type="submit" class="main" disabled={!good || (changes.length === 0 && shown !== undefined)}>
          Save
        </button>
      </div>
    </form>
  )
}

const Changes = ({ of }: { of: ReturnType<typeof differences> }) => (
  <div class="small">
    {of.slice(0, 20).map(({ path, before, after }) => (
      <div key={path} class="mono">
        <span class="k">{path}: </span>
        {before !== undefined && <del>{before}</del>} {after !== undefined && <ins>{after}</ins>}
      </div>
    ))}
  </div>
)

interface Asked {
  pk: string
  sk: string
  shown: Item | undefined
  done(isChanged: boolean): void
  conflict(found: { item: Item | undefined }): void
}

function askSave({
  pk,
  sk,
  shown,
  draft,
  ttl,
  changes,
  done,
  conflict,
}: Asked & { draft: string; ttl: number | undefined; changes: number }) {
  confirmThen({
    title: shown
      ? `Save ${changes} ${changes === 1 ? 'change' : 'changes'} of ${sk}?`
      : `Make the item ${sk}?`,
    consequences: [
      shown
        ? 'Only if it is still exactly what is shown: a write of somebody else meanwhile is not lost.'
        : 'Only if there is still none.',
      'Holders of a lock on it are not told: plain writes do not look at locks.',
    ],
    expected: sk,
    action: 'Save',
    run: async (confirm) => {
      const { value } = await call<Saved>('item.save', {
        pk,
        sk,
        confirm,
        json: draft,
        ttl,
        shown: shown ?? null,
      })
      if (!value.saved) return conflict({ item: value.item })
      toast(`saved ${sk}`)
      done(true)
    },
  })
}

function askDelete({ pk, sk, shown, done, conflict }: Asked) {
  confirmThen({
    title: `Delete ${sk}?`,
    consequences: ['It is gone. There is no way back.', 'Only if it is still exactly what is shown.'],
    expected: sk,
    action: 'Delete',
    run: async (confirm) => {
      const { value } = await call<Saved>('item.delete', { pk, sk, confirm, shown })
      if (!value.saved) return conflict({ item: value.item })
      toast(`deleted ${sk}`, 'warn')
      done(true)
    },
  })
}
