import type { Random } from '../../src/testing/random.ts'
import { bareKeys } from './bare-keys.ts'
import { collections } from './collections.ts'
import { jobsDrill } from './jobs.ts'
import { later } from './later.ts'
import { leaseDrills } from './leases.ts'
import { rateLimit } from './limits.ts'
import { loneConsumer } from './lone-consumer.ts'
import { migrations } from './migrations.ts'
import { moveDrills } from './moves.ts'
import { numbersPlan } from './numbers.ts'
import { outcomeDrill } from './outcomes.ts'
import { pointerDrills } from './pointers.ts'
import { queueKinds, queuePlan } from './queues.ts'
import { schedules } from './schedules.ts'
import { shares } from './shares.ts'
import { uniqueAndCancel } from './unique.ts'
import { workerDrills } from './workers.ts'
import type { Drill } from './world.ts'

/** A new plan for every run: it keeps what it must remember. */
export const drills: readonly Drill[] = [
  ...leaseDrills,
  ...queueKinds.map((kind) => ({ name: `queue, ${kind}`, plan: (draw: Random) => queuePlan(kind, draw) })),
  loneConsumer,
  later,
  shares,
  bareKeys,
  ...moveDrills,
  uniqueAndCancel,
  jobsDrill,
  ...pointerDrills,
  ...workerDrills,
  outcomeDrill,
  rateLimit,
  schedules,
  collections,
  migrations,
  { name: 'numbers', plan: numbersPlan },
]
