import { unchanged } from '../../contract/conditions.ts'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbRange } from '../../interface.ts'
import { isLockName, lockKey } from '../../model/key-names.ts'
import { fromJson, toJson } from '../../model/tagged-json.ts'
import { readRawRow } from '../raw-row.ts'
import { type ConsoleCalls, type Given, keyOf, numberOf, optionalText, textOf, type World } from '../world.ts'
import { changesTo } from './item-changes.ts'

/** An item for the page: its data is one text, which the page never takes for markup. */
export const shownItem = ({ pk, sk, data, ttl }: AtomicDbItem) => ({ pk, sk, ttl, json: jsonOf(data) })

/** With the fields in one order, so that the same data is the same text. */
const jsonOf = (data: unknown): string | undefined => (data === undefined ? undefined : toJson(sorted(data)))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  )
}

const rangeOf = (given: Given): AtomicDbRange => ({
  pk: textOf(given, 'pk'),
  sk: optionalText(given, 'prefix'),
  from: optionalText(given, 'from'),
  to: optionalText(given, 'to'),
})

async function page({ db, signal }: World, given: Given) {
  const { items, cursor } = await db.page({
    ...rangeOf(given),
    limit: numberOf(given, 'limit', 100, 500),
    cursor: optionalText(given, 'cursor'),
    reverse: given.reverse === true,
    signal,
  })
  return { items: items.map(shownItem), cursor, at: db.runtime.now() }
}

/** The item, and its lock row where raw rows can be read: reading a lock by `getLock` would make one. */
async function get({ db, settings, signal }: World, given: Given) {
  const key = keyOf(given)
  const item = await db.get(key, { signal })
  const isAsked = settings.scan && !isLockName(key.sk)
  const row = isAsked ? await readRawRow(db, lockKey(key), { signal }) : undefined
  const lock =
    typeof row?.version === 'string' ? { version: row.version, ttl: Number(row.ttl ?? 0) } : undefined
  return { item: item && shownItem(item), lock, at: db.runtime.now() }
}

interface Shown {
  json?: string
  ttl?: number
}

/** What is there now must be what was shown; `unchanged` then holds the item to it until the write. */
async function asShown({ db, signal }: World, given: Given): Promise<AtomicDbItem | undefined | 'changed'> {
  const item = await db.get(keyOf(given), { signal })
  const shown = given.shown as Shown | null | undefined
  if (!item || !shown) return !item && !shown ? undefined : 'changed'
  const isSame = jsonOf(item.data) === shown.json && item.ttl === shown.ttl
  return isSame ? item : 'changed'
}

const nowThere = async ({ db, signal }: World, given: Given) => {
  const item = await db.get(keyOf(given), { signal })
  return { saved: false, item: item && shownItem(item) }
}

async function save(world: World, given: Given) {
  const { db, signal } = world
  const key = keyOf(given)
  const before = await asShown(world, given)
  if (before === 'changed') return nowThere(world, given)
  const wanted = { data: parsed(textOf(given, 'json')), ttl: ttlOf(given.ttl) }
  const changes = changesTo(before, wanted)
  if (changes === undefined) {
    // Data that is no object, or becomes one, is replaced as a whole.
    const item = { ...key, data: wanted.data, ...(wanted.ttl !== undefined && { ttl: wanted.ttl }) }
    return replaced(world, given, item, before)
  }
  const { applied, item } = await db.update(key, changes, { if: unchanged(before), signal })
  return { saved: applied, item: item && shownItem(item) }
}

async function replaced(world: World, given: Given, item: AtomicDbItem, before: AtomicDbItem | undefined) {
  const { db, signal } = world
  try {
    await db.transact([{ type: 'set', item, if: unchanged(before) }], { signal })
  } catch (error) {
    if (isRefused(error)) return nowThere(world, given)
    throw error
  }
  return { ...(await nowThere(world, given)), saved: true }
}

async function remove(world: World, given: Given) {
  const { db, signal } = world
  const before = await asShown(world, given)
  if (before === undefined || before === 'changed') return nowThere(world, given)
  try {
    await db.transact([{ type: 'delete', key: keyOf(given), if: unchanged(before) }], { signal })
  } catch (error) {
    if (isRefused(error)) return nowThere(world, given)
    throw error
  }
  return { saved: true }
}

const isRefused = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'RaceCondition' || error.name === 'ConditionFailed')

function parsed(json: string): unknown {
  try {
    return fromJson(json)
  } catch (error) {
    throw new InvalidInput('json', `is not JSON: ${(error as Error).message}`)
  }
}

function ttlOf(given: unknown): number | undefined {
  if (given === undefined || given === null) return undefined
  if (!Number.isSafeInteger(given)) throw new InvalidInput('ttl', 'must be epoch seconds')
  return given as number
}

const collections = async ({ settings }: World) => ({
  collections: settings.collections.map((one) => ({ name: one.name, patterns: one.describe() })),
})

export const itemCalls: ConsoleCalls = {
  'item.page': { run: page },
  'item.get': { run: get },
  'item.save': { writes: true, confirms: 'sk', run: save },
  'item.delete': { writes: true, confirms: 'sk', run: remove },
  'item.collections': { run: collections },
}
