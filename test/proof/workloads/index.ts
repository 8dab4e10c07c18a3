import type { Workload } from './actor.ts'
import { coordinationWorkload } from './coordination.ts'
import { countersWorkload } from './counters.ts'
import { expiryWorkload } from './expiry.ts'
import { itemsWorkload } from './items.ts'
import { listsWorkload } from './lists.ts'
import { mixedWorkload, type RunTransaction } from './mixed.ts'
import { onceWorkload } from './once.ts'
import { queueWorkload } from './queue.ts'
import { transactionsWorkload } from './transactions.ts'

/** `run` is `transaction`, or one with a defect that must be found. */
export const allWorkloads = (run?: RunTransaction): Workload[] => [
  itemsWorkload(run),
  countersWorkload(),
  expiryWorkload(),
  onceWorkload(),
  queueWorkload(),
  transactionsWorkload(run),
  mixedWorkload(run),
  listsWorkload(run),
  coordinationWorkload(),
]
