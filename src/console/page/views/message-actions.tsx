/** What may be done with the selected messages. */
import { call } from '../api.ts'
import { confirmThen, toast } from '../parts.tsx'
import type { Done, Message } from '../types.ts'

interface Props {
  pk: string
  selected: readonly Message[]
  write: boolean
  done(): void
}

const isDeadQueue = (pk: string): boolean => pk.endsWith('#dead')
const bare = ({ pk, sk, receipt }: Message) => ({ pk, sk, receipt })
/** The server takes so many at once. */
const atOnce = 500

export const said = (what: string, { done, left }: Done): void =>
  toast(
    left.length === 0 ? `${what} ${done}` : `${what} ${done}; ${left.length} stayed: ${left[0]!.why}`,
    left.length === 0 ? 'good' : 'warn',
  )

async function inParts(
  name: string,
  pk: string,
  confirm: string,
  messages: readonly Message[],
): Promise<Done> {
  const all: Done = { done: 0, left: [] }
  for (let i = 0; i < messages.length; i += atOnce) {
    const part = messages.slice(i, i + atOnce).map(bare)
    const { value } = await call<Done>(name, { pk, confirm, messages: part })
    all.done += value.done
    all.left.push(...value.left)
  }
  return all
}

export function MessageActions({ pk, selected, write, done }: Props) {
  const n = selected.length
  const title = write ? undefined : 'read-only: start the console with --write'
  const ask = (name: string, action: string, past: string, consequences: string[]) =>
    confirmThen({
      title: `${action} ${n} ${n === 1 ? 'message' : 'messages'} of ${pk}?`,
      consequences,
      expected: pk,
      action,
      run: async (confirm) => {
        said(past, await inParts(name, pk, confirm, selected))
        done()
      },
    })
  if (n === 0 && !isDeadQueue(pk)) return null
  const held = selected.filter(({ receipt, isProcessing }) => receipt && isProcessing).length
  return (
    <header>
      <span class="num grow">{n.toLocaleString('en-US')} selected</span>
      {isDeadQueue(pk) && (
        <>
          <button
            type="button"
            disabled={!write || n === 0}
            title={title}
            onClick={() => ask('message.redrive', 'Redrive', 'redriven:', redriveConsequences)}
          >
            Redrive
          </button>
          <button type="button" disabled={!write} title={title} onClick={() => askRedriveAll(pk, done)}>
            Redrive the first 100
          </button>
        </>
      )}
      {!isDeadQueue(pk) && (
        <button
          type="button"
          disabled={!write || held === 0}
          title={title ?? (held === 0 ? 'none of them is in flight' : undefined)}
          onClick={() => ask('message.release', 'Release', 'released:', releaseConsequences)}
        >
          Release
        </button>
      )}
      <button
        type="button"
        class="bad"
        disabled={!write || n === 0}
        title={title}
        onClick={() => ask('message.delete', 'Delete', 'deleted:', deleteConsequences)}
      >
        Delete
      </button>
    </header>
  )
}

const redriveConsequences = [
  'Each goes back to the queue that it comes from, as a new message behind those that wait, with receive count 0.',
  'Workers handle it again. What they did before they failed may happen a second time.',
  'Deleted and pushed in one transaction each: 4 WRU per KB.',
]
const releaseConsequences = [
  'It is taken from whoever holds it, and given out again at once: two workers may handle it at the same time.',
  'The first one finds out when it acknowledges: its receipt is no longer good.',
  'Only messages that are still held by the receipt that is shown; others stay.',
]
const deleteConsequences = [
  'They are gone: nobody handles them any more. There is no way back.',
  'One that was shown in flight is taken from its worker, which may have done half of its work.',
  'Only messages that are still as they are shown; others stay.',
]

const askRedriveAll = (pk: string, done: () => void) =>
  confirmThen({
    title: `Redrive the first 100 dead letters of ${pk}?`,
    consequences: [
      'Each goes back to its place in the queue that it comes from, with receive count 0.',
      ...redriveConsequences.slice(1, 2),
    ],
    expected: pk,
    action: 'Redrive',
    run: async (confirm) => {
      const { value } = await call<Done>('queue.redrive', { pk, confirm, limit: 100 })
      said('redriven:', value)
      done()
    },
  })
