import { leasePlans } from './leases.ts'
import { numbersPlan } from './numbers.ts'
import { queueKinds, queuePlan } from './queues.ts'
import type { Plan } from './world.ts'

/** A new plan for every run: it keeps what it must remember. */
export const drills: readonly (() => Plan)[] = [
  ...leasePlans,
  ...queueKinds.map((kind) => () => queuePlan(kind)),
  numbersPlan,
]
