/** What the view of a queue knows of messages, without drawing anything. */
import type { Message, Stats } from './types.ts'

/** What a view knows of its queue. */
export interface QueueState {
  stats?: Stats
  messages: Message[]
  isEnd: boolean
  history: Stats[]
}

export type State = 'ready' | 'in flight' | 'delayed' | 'dead'

export function stateOf(message: Message, now: number): State {
  if (message.isProcessing && (message.processingTimeout ?? 0) > now) return 'in flight'
  if ((message.dueAt ?? 0) > now) return 'delayed'
  return message.deadLetter ? 'dead' : 'ready'
}

export const idOf = ({ pk, sk }: Pick<Message, 'pk' | 'sk'>): string => `${pk}\n${sk}`

export interface Filter {
  text: string
  state: string
  group: string
}

/** Which messages fit: the text is looked for in payload, key, group and reason. */
export function matching(messages: readonly Message[], filter: Filter, now: number): Message[] {
  const text = filter.text.toLowerCase()
  return messages.filter((one) => {
    if (filter.state !== '' && stateOf(one, now) !== filter.state) return false
    if (filter.group !== '' && one.group !== filter.group) return false
    if (text === '') return true
    const { json = '', sk, group = '', reason = '', deadLetter } = one
    return [json, sk, group, reason, deadLetter?.reason ?? ''].some((field) =>
      field.toLowerCase().includes(text),
    )
  })
}

/** The first page anew, before what was loaded behind it. */
export function merged(old: readonly Message[], fresh: readonly Message[], isEnd: boolean): Message[] {
  const last = fresh.at(-1)
  if (isEnd || !last) return [...fresh]
  return [...fresh, ...old.filter(({ sk }) => sk > last.sk)]
}

/** How many messages were pushed in each of `slots` equal parts of the time between the first and the last. */
export function arrivals(messages: readonly Message[], slots = 24): { counts: number[]; slotMs: number } {
  const times = messages.map(({ enqueuedAt }) => enqueuedAt).filter((time) => time > 0)
  const counts = Array.from({ length: slots }, () => 0)
  const first = Math.min(...times)
  const slotMs = Math.max(1, (Math.max(...times) - first + 1) / slots)
  for (const time of times) counts[Math.floor((time - first) / slotMs)]!++
  return { counts, slotMs: times.length === 0 ? 0 : slotMs }
}
