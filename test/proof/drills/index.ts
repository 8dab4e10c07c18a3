import { leaseDrills } from './leases.ts'
import { numbersPlan } from './numbers.ts'
import { queueKinds, queuePlan } from './queues.ts'
import type { Drill } from './world.ts'

/** A new plan for every run: it keeps what it must remember. */
export const drills: readonly Drill[] = [
  ...leaseDrills,
  ...queueKinds.map((kind) => ({ name: `queue, ${kind}`, plan: () => queuePlan(kind) })),
  { name: 'numbers', plan: numbersPlan },
]
