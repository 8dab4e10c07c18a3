import { absent, type Condition, unchanged } from '../contract/conditions.ts'
import { ConditionFailed, type Conflict, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbOperation, CallOptions } from '../interface.ts'
import { showKey } from '../model/keys.ts'
import type { Definition } from './definition.ts'
import { NotUnique, ReferenceMissing, StillReferenced } from './errors.ts'
import { entryText, isSingle, operationsOf, type Plan, type PlannedOperation } from './plan.ts'
import type { Stored } from './stored.ts'

/** What became of a plan. `raced`: the item is not what was read; plan again. */
export type Committed = 'done' | { readonly raced: RaceCondition } | { readonly foreign: readonly string[] }

/** A plan of one row is one guarded write, any other one a transaction. */
export async function commitPlan(
  db: AtomicDbInterface,
  definition: Definition,
  plan: Plan,
  options: CallOptions,
  more: readonly AtomicDbOperation[] = [],
): Promise<Committed> {
  if (isSingle(plan) && more.length === 0) return commitSingle(db, plan, options)
  const planned = operationsOf(definition, plan)
  try {
    await db.transact([...planned.map(({ operation }) => operation), ...more], options)
    return 'done'
  } catch (error) {
    if (error instanceof RaceCondition) return { raced: error }
    if (!(error instanceof ConditionFailed)) throw error
    return explained(definition, planned, error)
  }
}

async function commitSingle(db: AtomicDbInterface, plan: Plan, options: CallOptions): Promise<Committed> {
  const { key, before, after, ttl, changes } = plan
  const all = !after
    ? ({ delete: true } as const)
    : (changes ?? { set: { '': after }, ...(ttl === undefined && !before ? {} : { ttl: ttl ?? null }) })
  const guard: Condition = before ? unchanged(before) : absent
  const { applied, item } = await db.update(key, all, { ...options, if: guard })
  if (applied) return 'done'
  const conflict: Conflict = { index: 0, key, reason: before ? 'value' : 'exists', current: item }
  return { raced: new RaceCondition(`${showKey(key)} is not what was read`, [conflict]) }
}

/** Which rule of the collection an operation stood for. */
function explained(
  definition: Definition,
  planned: readonly PlannedOperation[],
  error: ConditionFailed,
): Committed {
  const failed = error.conflicts.flatMap((conflict) => {
    const role = planned[conflict.index]?.role
    return role ? [{ conflict, role }] : []
  })
  if (failed.length < error.conflicts.length) throw error
  if (failed.some(({ role }) => role.of === 'item'))
    return { raced: new RaceCondition(error.message, error.conflicts) }
  const foreign = failed.flatMap(({ role }) => (role.of === 'foreign' ? [entryText(role.entry)] : []))
  if (foreign.length > 0) return { foreign }
  const { conflict, role } = failed[0]!
  if (role.of === 'entry') throw notUnique(definition, role.entry.index, conflict)
  if (role.of === 'reference')
    throw new ReferenceMissing(definition.name, role.change.name, role.change.to.name, conflict)
  throw new StillReferenced(definition.name, countOf(conflict), conflict)
}

const currentData = (conflict: Conflict): Stored | undefined =>
  (conflict.current as { data?: Stored } | undefined)?.data

export const countOf = (conflict: Conflict): number => Number(currentData(conflict)?.n ?? 1)

export function notUnique(
  { name, key, dates }: Definition,
  index: { readonly name: string; readonly key: readonly string[] },
  conflict: Conflict,
): NotUnique {
  const data = currentData(conflict)
  const shown = (field: string) => (dates.has(field) ? new Date(data?.[field] as string) : data?.[field])
  const owner = data && Object.fromEntries(key.fields.map((field) => [field, shown(field)]))
  return new NotUnique(name, index, owner, conflict)
}
