import { collectionDefects } from './collections.ts'
import type { Defect } from './defect.ts'
import { jobDefects } from './jobs.ts'
import { leaseDefects } from './leases.ts'
import { numberDefects } from './numbers.ts'
import { pointerDefects } from './pointers.ts'
import { priorityDefects } from './priorities.ts'
import { queueDefects } from './queues.ts'
import { scheduleDefects } from './schedules.ts'
import { uniqueDefects } from './unique.ts'

export const defects: readonly Defect[] = [
  ...leaseDefects,
  ...queueDefects,
  ...pointerDefects,
  ...priorityDefects,
  ...numberDefects,
  ...scheduleDefects,
  ...uniqueDefects,
  ...jobDefects,
  ...collectionDefects,
]
