import type { Changes } from '../../contract/changes.ts'
import type { Condition } from '../../contract/conditions.ts'
import { certainRemoval } from '../../coordination/certain-update.ts'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../../interface.ts'
import { processesPk } from '../../model/key-names.ts'
import { type ConsoleCalls, type Given, keyOf, numberOf, optionalText, textOf, type World } from '../world.ts'
import { type Holder, leaseRowOf } from './lease-rows.ts'

/** Leases of a partition: one page of it. */
async function list({ db, signal }: World, given: Given) {
  const { items, cursor } = await db.page({
    pk: textOf(given, 'pk'),
    sk: optionalText(given, 'sk'),
    limit: numberOf(given, 'limit', 100, 500),
    cursor: optionalText(given, 'cursor'),
    signal,
  })
  const leases = items.map(leaseRowOf).filter((row) => row !== undefined)
  return { leases, cursor, read: items.length, at: db.runtime.now() }
}

async function read({ db, signal }: World, given: Given) {
  const keys = given.keys as AtomicDbItemKey[]
  if (!Array.isArray(keys) || keys.length > 100)
    throw new InvalidInput('keys', 'must be a list of up to 100 keys')
  const items = await db.getMany(keys, { signal })
  return {
    leases: items.map((item) => item && leaseRowOf(item)).filter((row) => row !== undefined),
    at: db.runtime.now(),
  }
}

/** All processes that say that they are alive, and those that did so within the last hour. */
async function processes({ db, signal }: World, given: Given) {
  const pk = optionalText(given, 'pk') ?? processesPk
  const items = await db.query<{ until?: unknown; draining?: unknown }>({ pk, limit: 500, signal })
  return {
    processes: items.map(({ sk, data }) => ({
      pk,
      sk,
      until: Number(data?.until ?? 0),
      draining: data?.draining === true,
    })),
    at: db.runtime.now(),
  }
}

/** Takes the lease from the holder that was shown, and from no other one. */
async function forceRelease({ db, signal }: World, given: Given) {
  const key = keyOf(given)
  const id = textOf(given, 'holder')
  const before = await db.get(key, { signal })
  const row = before && leaseRowOf(before)
  const holder = row?.holders.find((one) => one.id === id)
  if (!row || !holder) return { released: false, lease: row }
  const shows = (item: AtomicDbItem | undefined) =>
    (item && leaseRowOf(item))?.holders.some((one) => one.id === id) ?? false
  const { changes, condition } = removalOf(holder)
  const released = await certainRemoval(db, key, changes, { if: condition, signal }, shows)
  const after = await db.get(key, { signal })
  return { released, lease: after && leaseRowOf(after) }
}

function removalOf({ id, role }: Holder): { changes: Changes; condition: Condition } {
  if (role === 'owner') return { changes: { set: { owner: null, until: null } }, condition: { owner: id } }
  if (role === 'writer') return { changes: { remove: ['writer'] }, condition: { 'writer.id': id } }
  const path = [role === 'reader' ? 'readers' : 'holders', id]
  return { changes: { remove: [path] }, condition: [[path, { exists: true }]] }
}

export const leaseCalls: ConsoleCalls = {
  'lease.list': { run: list },
  'lease.read': { run: read },
  'lease.processes': { run: processes },
  'lease.forceRelease': { writes: true, confirms: 'sk', run: forceRelease },
}
