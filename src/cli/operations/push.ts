import { InvalidInput } from '../../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItemInput, AtomicDbQueuePushOptions } from '../../interface.ts'
import { AtomicMemoryDb } from '../../memory/index.ts'
import { Refusal } from '../failures.ts'
import type { Message } from './messages.ts'
import { inBatches, type Work, type WorkDone } from './work.ts'

export interface PushOptions extends AtomicDbQueuePushOptions {
  group?: string
  deduplicationId?: string
}

export interface PushDone extends WorkDone {
  /** Sort key of the last message that was sent. */
  last?: string
}

const atOnce = 100

/** Pushes in order, batch by batch; nothing is sent before every message was found good. */
export async function push(
  db: AtomicDbInterface,
  pk: string,
  messages: readonly Message[],
  { group, deduplicationId, ...options }: PushOptions,
  work: Work,
): Promise<PushDone> {
  const inputs = messages.map(({ data }) => ({ pk, data, group, deduplicationId }))
  const { signal: _signal, ...checked } = options
  for (let i = 0; i < inputs.length; i += atOnce)
    await check(inputs.slice(i, i + atOnce), messages.slice(i), checked)
  let last: string | undefined
  const done = await inBatches(
    work,
    messages.length,
    (n) => pushedSoFar(messages, n),
    async (from) => {
      const sent = await db.queuePush(inputs.slice(from, from + atOnce), options)
      last = sent.at(-1)!.sk
      return { done: sent.length }
    },
  )
  return { ...done, last }
}

/** With the line, from which it can be gone on. */
export function pushedSoFar(messages: readonly Message[], done: number): string {
  const last = done > 0 && done < messages.length ? `, up to ${messages[done - 1]!.place}` : ''
  return `pushed ${done} of ${messages.length}${last}`
}

/** The twin finds wrong what the table would, and sends nothing. */
async function check(
  inputs: readonly AtomicDbQueueItemInput[],
  messages: readonly Message[],
  options: AtomicDbQueuePushOptions,
): Promise<void> {
  try {
    await new AtomicMemoryDb().queuePush(inputs, options)
  } catch (error) {
    const [, index, rest = ''] =
      (error instanceof InvalidInput && /^items\[(\d+)\]\.?(.*)/.exec(error.field)) || []
    if (index === undefined) throw error
    const problem = (error as InvalidInput).message.slice((error as InvalidInput).field.length)
    throw new Refusal(`${messages[Number(index)]!.place}: ${rest || 'message'}${problem}; nothing was sent`, {
      cause: error,
    })
  }
}
