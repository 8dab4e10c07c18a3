import type { Workload } from './actor.ts'
import { coordinationWorkload } from './coordination.ts'
import { countersWorkload } from './counters.ts'
import { expiryWorkload } from './expiry.ts'
import { itemsWorkload } from './items.ts'
import { listsWorkload } from './lists.ts'
import { onceWorkload } from './once.ts'
import { queueWorkload } from './queue.ts'
import { transactionsWorkload } from './transactions.ts'

export const allWorkloads = (): Workload[] => [
  itemsWorkload(),
  countersWorkload(),
  expiryWorkload(),
  onceWorkload(),
  queueWorkload(),
  transactionsWorkload(),
  listsWorkload(),
  coordinationWorkload(),
]
