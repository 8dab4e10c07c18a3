import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePushOptions,
} from '../../interface.ts'
import { AtomicMemoryDb } from '../../memory/index.ts'
import { Refusal } from '../failures.ts'
import { count, fromJson, WrongTag } from '../format.ts'
import { inBatches, type Work, type WorkDone, withProgress } from '../long-work.ts'
import { type Answer, action, type Host, type Session, whole } from '../session.ts'

interface Message {
  data: unknown
  /** Where it was written, for errors: `messages.jsonl:3`. */
  place: string
}

function parse(text: string, place: string, hint = ''): Message {
  try {
    return { data: fromJson(text), place }
  } catch (error) {
    const { message } = error as Error
    const problem = error instanceof WrongTag ? `: ${message}` : ` is not JSON (${message})${hint}`
    throw new Refusal(`${place}${problem}; nothing was sent`)
  }
}

const messageOf = (text: string): Message => parse(text, 'the message', `: a text needs quotes, '"hello"'`)

/** One JSON value per line; empty lines are skipped. */
export function messagesOf(bytes: Buffer, name: string): Message[] {
  const messages: Message[] = []
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start)
    const place = `${name}:${line}`
    const text = decoded(bytes.subarray(start, end < 0 ? undefined : end), place)
    if (text.trim() !== '') messages.push(parse(text, place))
    if (end < 0) break
    start = end + 1
  }
  return messages
}

function decoded(line: Buffer, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line)
  } catch {
    throw new Refusal(`${place} is not JSON (it is not UTF-8); nothing was sent`)
  }
}

export interface PushOptions extends AtomicDbQueuePushOptions {
  group?: string
  deduplicationId?: string
  uniqueId?: string
  priority?: AtomicDbQueueItemInput['priority']
}

export interface PushDone extends WorkDone {
  /** Sort key of the last message that was sent. */
  last?: string
  /** It was there already. */
  isDuplicate?: true
}

const atOnce = 100

/** Pushes in order, batch by batch; nothing is sent before every message was found good. */
export async function push(
  db: AtomicDbInterface,
  pk: string,
  messages: readonly Message[],
  { group, deduplicationId, uniqueId, priority, ...options }: PushOptions,
  work: Work,
): Promise<PushDone> {
  const inputs = messages.map(({ data }) => ({ pk, data, group, deduplicationId, uniqueId, priority }))
  const { signal: _signal, ...checked } = options
  for (let i = 0; i < inputs.length; i += atOnce)
    await check(inputs.slice(i, i + atOnce), messages.slice(i), checked)
  let last: AtomicDbQueueItem | undefined
  const done = await inBatches(
    work,
    messages.length,
    (n) => pushedSoFar(messages, n),
    async (from) => {
      const sent = await db.queuePush(inputs.slice(from, from + atOnce), options)
      last = sent.at(-1)!
      return { done: sent.length }
    },
  )
  return { ...done, last: last?.sk, ...(last?.isDuplicate && { isDuplicate: true }) }
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

interface PushFlags {
  file?: string
  delay?: number
  group?: string
  deduplicationId?: string
  uniqueId?: string
  priority?: AtomicDbQueueItemInput['priority']
  exactlyOnce?: boolean
  shards?: number
  payloadThreshold?: number
}

async function read(
  session: Session,
  json: string | undefined,
  file: string | undefined,
): Promise<Message[]> {
  if ((json === undefined) === (file === undefined))
    throw new Refusal('give one message as JSON, or --file FILE with one per line (-: standard input)')
  if (json !== undefined) return [messageOf(json)]
  if (file !== '-') return messagesOf(await readBytes(file!), file!)
  const { stdin, signal } = session.io
  const bytes = await buffer(addAbortSignal(signal, stdin)).catch((error) => {
    session.throwIfStopped()
    throw error
  })
  return messagesOf(bytes, 'standard input')
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Refusal(`cannot read '${file}' (${(error as { code?: string }).code}): nothing was sent`, {
      cause: error,
    })
  }
}

async function pushAll(
  session: Session,
  queue: string,
  json: string | undefined,
  flags: PushFlags,
): Promise<Answer> {
  const { delay: delaySeconds, file, ...rest } = flags
  for (const [flag, value] of [
    ['--deduplication-id', rest.deduplicationId],
    ['--unique-id', rest.uniqueId],
  ])
    if (value !== undefined && file !== undefined)
      throw new Refusal(`${flag} is for one message, not for a file`)
  const messages = await read(session, json, file)
  const { group, deduplicationId, uniqueId, priority, exactlyOnce, shards, payloadThreshold } = rest
  const options = {
    delaySeconds,
    group,
    deduplicationId,
    uniqueId,
    priority,
    exactlyOnce,
    shards,
    payloadThreshold,
  }
  const db = await session.db()
  const signal = await session.writing()
  const result = await withProgress(session.io, 'push', (work) =>
    push(db, queue, messages, { ...options, signal }, work),
  )
  const { done: pushed, total, stopped, last, isDuplicate } = result
  return {
    records: [{ queue, pushed: isDuplicate ? 0 : pushed, total, stopped, last }],
    lines: stopped
      ? []
      : isDuplicate
        ? [`nothing was pushed: it is in '${queue}' already, with sk ${last}`]
        : [`pushed ${count(pushed, 'message')} to '${queue}'${total === 1 ? `, with sk ${last}` : ''}`],
    note: stopped ? `stopped: ${pushedSoFar(messages, pushed)}` : undefined,
    code: stopped ? 130 : 0,
  }
}

export function addPush(queue: Command, host: Host): void {
  queue
    .command('push')
    .description('append a message, or those of a file; nothing is sent if one of them is wrong')
    .argument('<queue>')
    .argument('[json]', 'the data of one message')
    .option('--file <file>', 'one JSON value per line, each a message; -: standard input')
    .option('--delay <seconds>', 'not given out before', whole(0))
    .option('--group <text>', 'group of the messages, for strict order')
    .option('--deduplication-id <text>', 'the second push with this id within 5 minutes does nothing')
    .option('--unique-id <text>', 'does nothing while a message with this id is in the queue')
    .addOption(
      new Option('--priority <which>', 'which come first; not with --group').choices([
        'high',
        'normal',
        'low',
      ]),
    )
    .option(
      '--exactly-once',
      'through transactions, so that a lost reply brings nothing back; twice the cost',
    )
    .option('--shards <n>', 'spread over so many partition keys', whole(1, 10_000))
    .option('--payload-threshold <bytes>', 'larger data goes to a row of its own', whole(1))
    .action(action(host, pushAll))
}
