import type { Workload } from './actor.ts'
import { coordinationWorkload } from './coordination.ts'
import { countersWorkload } from './counters.ts'
import { expiryWorkload } from './expiry.ts'
import { itemsWorkload } from './items.ts'
import { leasesWorkload } from './leases.ts'
import { listsWorkload } from './lists.ts'
import { mixedWorkload, type RunTransaction } from './mixed.ts'
import { onceWorkload } from './once.ts'
import { ordersWorkload } from './orders.ts'
import { queueWorkload } from './queue.ts'
import { rangesWorkload } from './ranges.ts'
import { rowsWorkload } from './rows.ts'
import { transactionsWorkload } from './transactions.ts'

/** What `run` does stands for `transaction`: itself, or one with a defect that must be found. */
const withTransactions = (run?: RunTransaction): Workload[] => [
  itemsWorkload(run),
  transactionsWorkload(run),
  mixedWorkload(run),
  listsWorkload(run),
  rowsWorkload(run),
]

export const allWorkloads = (run?: RunTransaction): Workload[] => [
  ...withTransactions(run),
  countersWorkload(),
  expiryWorkload(),
  onceWorkload(),
  queueWorkload(),
  coordinationWorkload(),
]

/** Those that the drills cover in simulation as well: through the fault proxy every way in is driven. */
export const everyWorkload = (): Workload[] => [
  ...allWorkloads(),
  leasesWorkload(),
  ordersWorkload(),
  rangesWorkload(),
]

/** `transactions`: those in which transactions meet plain writes, messages and expiry, and nothing else. */
export const workloadSets = { all: allWorkloads, transactions: withTransactions } as const
export type WorkloadSetName = keyof typeof workloadSets
