/** One message with all that is known of it, and a form to push it again with another payload. */
import { useState } from 'preact/hooks'
import { call } from '../api.ts'
import { dateText, distance } from '../format.ts'
import { JsonTree } from '../json-tree.tsx'
import { Badge, confirmThen, Facts } from '../parts.tsx'
import { stateOf } from '../queue-model.ts'
import { setQuery } from '../route.ts'
import type { Done, Message } from '../types.ts'
import { said } from './message-actions.tsx'

interface Props {
  pk: string
  message: Message
  now: number
  write: boolean
  done(): void
}

const pretty = (json: string | undefined): string =>
  json === undefined ? '' : JSON.stringify(JSON.parse(json), null, 2)

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export function MessageDrawer({ pk, message, now, write, done }: Props) {
  const [draft, setDraft] = useState<string>()
  return (
    <aside class="panel drawer" aria-label={`Message ${message.sk}`}>
      <header>
        <h2 class="grow cut">Message</h2>
        <Badge>{stateOf(message, now)}</Badge>
        <button
          type="button"
          class="plain"
          aria-label="Close the message"
          onClick={() => setQuery({ message: '' })}
        >
          ✕
        </button>
      </header>
      <div class="in stack">
        <MessageFacts message={message} now={now} />
        <h2>Payload</h2>
        {message.json === undefined ? (
          <span class="dim">none</span>
        ) : (
          <div class="tree">
            <JsonTree value={JSON.parse(message.json)} />
          </div>
        )}
        {draft === undefined ? (
          <div class="row">
            <button
              type="button"
              disabled={!write}
              title={write ? undefined : 'read-only: start the console with --write'}
              onClick={() => setDraft(pretty(message.json))}
            >
              Edit and push again
            </button>
          </div>
        ) : (
          <EditForm pk={pk} message={message} draft={draft} setDraft={setDraft} done={done} />
        )}
      </div>
    </aside>
  )
}

function MessageFacts({ message, now }: { message: Message; now: number }) {
  const time = (ms: number | undefined) => (ms ? `${dateText(ms)}, ${distance(ms, now)}` : undefined)
  const { deadLetter } = message
  return (
    <Facts
      of={[
        ['key', <code>{message.sk}</code>],
        ['lies in', <code>{message.pk}</code>],
        ['pushed', time(message.enqueuedAt)],
        ['received', `${message.receiveCount} times${deadLetter ? `, ${deadLetter.receives} before` : ''}`],
        ['first received', time(message.firstReceivedAt)],
        ['held until', message.isProcessing ? time(message.processingTimeout) : undefined],
        ['due', time(message.dueAt)],
        ['receipt', message.receipt && <code>{message.receipt}</code>],
        ['group', message.group],
        ['reason', message.reason],
        ['comes from', deadLetter?.from],
        ['given up', time(deadLetter?.at)],
        ['because', deadLetter?.reason],
        ['unique id', message.uniqueId],
        ['trace', message.traceparent && <code>{message.traceparent}</code>],
        ['expires', message.ttl === undefined ? undefined : time(message.ttl * 1000)],
        ['payload row', message.payloadKey && <code>{message.payloadKey}</code>],
      ]}
    />
  )
}

interface EditProps {
  pk: string
  message: Message
  draft: string
  setDraft(draft: string | undefined): void
  done(): void
}

function EditForm({ pk, message, draft, setDraft, done }: EditProps) {
  const [to, setTo] = useState(message.deadLetter?.from ?? message.queue ?? pk)
  const isGood = isJson(draft)
  const submit = () =>
    confirmThen({
      title: `Push this message again to ${to}?`,
      consequences: [
        'A new message with the edited payload comes behind those that wait in its queue.',
        'The old one is deleted, if it is still as it is shown; else nothing changes.',
        'Between the two writes both are there: a worker may see both.',
      ],
      expected: pk,
      action: 'Push again',
      run: async (confirm) => {
        const { pk: place, sk, receipt, group, json } = message
        const given = {
          pk,
          confirm,
          to,
          group,
          shown: json ?? 'null',
          json: draft,
          message: { pk: place, sk, receipt },
        }
        const { value } = await call<Done>('message.edit', given)
        said('pushed again:', value)
        setDraft(undefined)
        done()
      },
    })
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <label class="field">
        Queue
        <input value={to} onInput={(event) => setTo(event.currentTarget.value)} required />
      </label>
      <textarea
        aria-label="Payload as JSON"
        value={draft}
        spellcheck={false}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      {!isGood && <span class="notice bad">This is not JSON yet.</span>}
      <div class="row">
        <span class="grow" />
        <button type="button" onClick={() => setDraft(undefined)}>
          Cancel
        </button>
        <button type="submit" class="main" disabled={!isGood || to === ''}>
          Push again
        </button>
      </div>
    </form>
  )
}
