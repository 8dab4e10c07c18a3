import type { Command } from 'commander'
import type { AtomicDbInterface } from '../../interface.ts'
import { shardsOf } from '../../model/shards.ts'
import { Refusal } from '../failures.ts'
import { type Answer, action, declined, type Host, type Session, whole } from '../session.ts'

interface CancelFlags {
  uniqueId?: string
  shards?: number
}

/** Deletes a message that waits; of a queue with shards in whichever of them it lies. */
export async function cancel(
  db: AtomicDbInterface,
  queue: string,
  sk: string | undefined,
  { uniqueId, shards, signal }: CancelFlags & { signal: AbortSignal },
): Promise<boolean> {
  if (uniqueId !== undefined) return db.queueCancel({ pk: queue, uniqueId }, { signal })
  for (const pk of shards === undefined ? [queue] : shardsOf(queue, shards))
    if (await db.queueCancel({ pk, sk: sk! }, { signal })) return true
  return false
}

async function cancelOne(
  session: Session,
  queue: string,
  sk: string | undefined,
  flags: CancelFlags,
): Promise<Answer> {
  if ((sk === undefined) === (flags.uniqueId === undefined))
    throw new Refusal('name the message by its sk, or by --unique-id')
  session.requireConsent('cancel deletes a message')
  const name = `'${sk ?? flags.uniqueId}' of '${queue}'`
  if (!(await session.confirm(`cancel ${name}?`))) return declined()
  const db = await session.db()
  const cancelled = await cancel(db, queue, sk, { ...flags, signal: await session.writing() })
  return {
    records: [{ queue, sk, uniqueId: flags.uniqueId, cancelled }],
    lines: cancelled ? [`cancelled ${name}`] : [],
    note: cancelled ? undefined : `nothing was done: ${name} is in processing, or not there`,
    code: cancelled ? 0 : 1,
  }
}

export function addCancel(queue: Command, host: Host): void {
  queue
    .command('cancel')
    .description('delete a message that waits, never one in processing; asks first')
    .argument('<queue>')
    .argument('[sk]', 'its sort key, as peek shows it')
    .option('--unique-id <text>', 'the id that it was pushed with, instead of its sk')
    .option('--shards <n>', 'look in all shards of the queue', whole(1, 10_000))
    .option('-y, --yes', 'do not ask')
    .action(action(host, cancelOne))
}
