import type { Command } from 'commander'
import { decodeTime, isValid } from 'ulid'
import type { AtomicDbItemKey, AtomicDbItemLock } from '../../interface.ts'
import { lockKey } from '../../model/key-names.ts'
import { checkKey, showKey } from '../../model/keys.ts'
import type { Row } from '../../storage.ts'
import { fieldsOf, moment } from '../format.ts'
import { type Answer, action, type Host, nothing, type Session } from '../session.ts'

interface ShownLock extends AtomicDbItemLock {
  /** When it was made or last written, epoch ms. */
  writtenAt: number
}

/** The lock as it lies there. Not `getLock`, which makes the one that is missing. */
async function readLock(session: Session, key: AtomicDbItemKey): Promise<ShownLock | undefined> {
  checkKey(key)
  const row = await rowOf(session, key)
  if (row?.ttl === undefined || row.ttl <= Date.now() / 1000) return undefined
  const { version, ttl } = row
  // Markers of the library have a version too, but no ULID, or data.
  if (typeof version !== 'string' || !isValid(version) || row.data !== undefined) return undefined
  return { ...key, version, ttl, writtenAt: decodeTime(version) }
}

async function rowOf(session: Session, key: AtomicDbItemKey): Promise<Row | undefined> {
  const { table } = session
  const store = await session.store()
  if (store) return store.readRow(key)
  // Not before it is needed: without the AWS SDK the rest must work.
  const { readRow } = await import('../../dynamo/read-row.ts')
  return readRow(await session.client(), table, key, { signal: await session.reading() })
}

async function show(session: Session, pk: string, sk: string, flags: { exact?: boolean }): Promise<Answer> {
  const key = flags.exact ? { pk, sk } : lockKey({ pk, sk })
  const lock = await readLock(session, key)
  if (!lock) return nothing(`there is no lock at ${showKey(key)}`)
  const now = Date.now()
  const lines = fieldsOf([
    ['pk', lock.pk],
    ['sk', lock.sk],
    ['version', lock.version],
    ['written', moment(lock.writtenAt, now)],
    ['expires', moment(lock.ttl * 1000, now)],
  ])
  return { records: [lock], lines }
}

export function addLock(program: Command, host: Host): void {
  program
    .command('lock')
    .description('locks of items')
    .command('show')
    .description('the lock of an item, without making one (exit code 1: there is none, or it has expired)')
    .argument('<pk>')
    .argument('<sk>', 'of the item: its lock is at <sk>#lock')
    .option('--exact', 'the sk given is that of the lock itself')
    .action(action(host, show))
}
