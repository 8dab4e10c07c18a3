import { InvalidInput } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey, AtomicDbOperation } from '../interface.ts'
import { equals } from '../model/values.ts'
import { idSource } from '../runtime.ts'
import type { Definition } from './definition.ts'
import { compact, isAsRead, isSchedule, moveDue, nextTick, type ScheduleRow } from './schedule-row.ts'

/** A change of one schedule: what to write, or that nothing is to be done. */
export interface Change {
  row: ScheduleRow | undefined
  operations: AtomicDbOperation[]
}

/** What makes a schedule, or changes the one that was read; nothing where it says the same. */
export function planOf(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  definition: Definition,
  item: AtomicDbItem | undefined,
  replace: boolean,
): Change {
  if (item === undefined) {
    const row = begun(db, definition)
    const make = { type: 'setIfAbsent' as const, item: { ...key, data: row } }
    return { row, operations: [make, ...moveDue(key, undefined, row.nextAt)] }
  }
  const old = item.data as ScheduleRow
  if (!isSchedule(item))
    throw new InvalidInput('name', 'is taken by an item that is no schedule', { keys: [key] })
  const wanted = compact({ ...definition, message: compact(definition.message) })
  if (equals(saysOf(old), wanted)) return { row: old, operations: [] }
  if (!replace)
    throw new InvalidInput('name', 'is that of a schedule that says something else', { keys: [key] })
  const row = changed(db, definition, old)
  return { row, operations: writeOf(key, old, row) }
}

/** What the user has said: the definition in a row. */
function saysOf({
  revision,
  anchor,
  nextAt,
  lastAt,
  fired,
  pausedAt,
  ...definition
}: ScheduleRow): Definition {
  return definition
}

const ids = new WeakMap<object, () => string>()

export function newRevision({ runtime }: AtomicDbInterface): string {
  const source = ids.get(runtime) ?? idSource(runtime)
  ids.set(runtime, source)
  return source()
}

function begun(db: AtomicDbInterface, definition: Definition): ScheduleRow {
  const now = db.runtime.now()
  const row: ScheduleRow = {
    ...definition,
    message: compact(definition.message),
    revision: newRevision(db),
    anchor: definition.startAt ?? now,
    fired: 0,
  }
  row.nextAt = nextTick(row, now)
  if (row.nextAt === undefined)
    throw new InvalidInput(
      definition.cron === undefined ? 'endAt' : 'cron',
      'leaves no tick that will ever come',
    )
  return compact(row)
}

/** The next tick stays unless it is said anew when the schedule ticks. */
function changed(db: AtomicDbInterface, definition: Definition, old: ScheduleRow): ScheduleRow {
  const { cron, timezone, everyMs, startAt, endAt } = definition
  const same = equals(
    compact({ cron, timezone, everyMs, startAt, endAt }),
    compact({
      cron: old.cron,
      timezone: old.timezone,
      everyMs: old.everyMs,
      startAt: old.startAt,
      endAt: old.endAt,
    }),
  )
  const fresh = begun(db, definition)
  const row = { ...fresh, fired: old.fired, lastAt: old.lastAt, pausedAt: old.pausedAt }
  if (same) return compact({ ...row, anchor: old.anchor, nextAt: old.nextAt })
  // A tick that was sent ahead of its time does not come again.
  const nextAt =
    old.pausedAt === undefined ? nextTick(row, Math.max(db.runtime.now(), old.lastAt ?? 0)) : undefined
  return compact({ ...row, nextAt })
}

/** A row in place of what was read, with the row of its time. */
export const writeOf = (
  key: AtomicDbItemKey,
  old: ScheduleRow,
  row: ScheduleRow | undefined,
): AtomicDbOperation[] => [
  row === undefined
    ? { type: 'delete', key, if: isAsRead(old) }
    : { type: 'set', item: { ...key, data: row }, if: isAsRead(old) },
  ...moveDue(key, old.nextAt, row?.nextAt),
]
