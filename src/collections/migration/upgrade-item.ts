import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from '../../interface.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import { commitPlan } from '../commit.ts'
import { isSingle, operationsOf, type Plan, toPlan } from '../plan.ts'
import { retried } from '../retried.ts'
import { type Stored, versionOf } from '../stored.ts'
import { upgraded } from '../versions.ts'
import type { World } from '../world.ts'
import { checkedStored } from '../writes.ts'

/** What became of an item. `left`: it is gone, or of this version or a later one already. */
export type Upgraded = { readonly is: 'written'; readonly wru: number } | { readonly is: 'left' }

/**
 * Writes an item as this version stores it, with all of its entries. Guarded by the item: whoever writes it meanwhile comes
 * first, and it is looked at again.
 */
export async function upgradeItem(
  world: World,
  first: AtomicDbItem,
  call: CallOptions,
  spend: (wru: number) => Promise<void>,
): Promise<Upgraded> {
  let seen: AtomicDbItem | undefined = first
  return retried(world, call, async ({ call, foreign }): Promise<{ result: Upgraded }> => {
    const before = seen ?? (await world.db.get({ pk: first.pk, sk: first.sk }, { ...call, consistent: true }))
    seen = undefined
    const plan = before && (await upgradePlan(world, before, foreign))
    if (!plan) return { result: { is: 'left' } }
    const wru = unitsOf(world, plan)
    await spend(wru)
    const committed = await commitPlan(world.db, world.definition, plan, call)
    return { committed, result: { is: 'written', wru } } as { result: Upgraded }
  })
}

/** Absent: the item is of this version or a later one. Throws where it does not fit. */
export async function upgradePlan(
  { db, definition }: World,
  before: AtomicDbItem,
  foreign?: ReadonlySet<string>,
): Promise<Plan | undefined> {
  if (versionOf(before.data as Stored) >= definition.version) return undefined
  const after = await checkedStored(definition, upgraded(definition, before).data as Stored)
  const key: AtomicDbItemKey = { pk: before.pk, sk: before.sk }
  return toPlan(definition, key, before, { after, now: db.runtime.now(), ...(foreign && { foreign }) })
}

const kilobytes = (row: object): number => Math.max(1, Math.ceil(rowBytes(row as Row) / 1024))

/** What a plan costs, WRU. Of rows that are not known (counts) 1 KB is supposed. */
export function unitsOf({ definition }: World, plan: Plan): number {
  const before = plan.before ? kilobytes(plan.before) : 1
  const after = plan.after ? kilobytes({ ...plan.key, data: plan.after }) : 1
  const item = Math.max(before, after)
  if (isSingle(plan)) return item
  const others = operationsOf(definition, plan).slice(1)
  const sum = others.reduce(
    (units, { operation }) => units + ('item' in operation ? kilobytes(operation.item as object) : 1),
    item,
  )
  return 2 * sum
}
