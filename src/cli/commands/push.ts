import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { Refusal } from '../failures.ts'
import { count } from '../format.ts'
import { type Message, messageOf, messagesOf } from '../operations/messages.ts'
import { push, pushedSoFar } from '../operations/push.ts'
import { withProgress } from '../progress.ts'
import type { Answer, Session } from '../session.ts'
import { whole } from '../settings.ts'
import { action, type Host } from './command.ts'

interface PushFlags {
  file?: string
  delay?: number
  group?: string
  deduplicationId?: string
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
  if (rest.deduplicationId !== undefined && file !== undefined)
    throw new Refusal('--deduplication-id is for one message, not for a file')
  const messages = await read(session, json, file)
  const { group, deduplicationId, exactlyOnce, shards, payloadThreshold } = rest
  const options = { delaySeconds, group, deduplicationId, exactlyOnce, shards, payloadThreshold }
  const db = await session.db()
  const signal = await session.writing()
  const result = await withProgress(session.io, 'push', (work) =>
    push(db, queue, messages, { ...options, signal }, work),
  )
  const { done: pushed, total, stopped, last } = result
  return {
    records: [{ queue, pushed, total, stopped, last }],
    lines: stopped
      ? []
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
    .option(
      '--exactly-once',
      'through transactions, so that a lost reply brings nothing back; twice the cost',
    )
    .option('--shards <n>', 'spread over so many partition keys', whole(1, 10_000))
    .option('--payload-threshold <bytes>', 'larger data goes to a row of its own', whole(1))
    .action(action(host, pushAll))
}
