import type { Defect } from './defect.ts'
import { leaseDefects } from './leases.ts'
import { numberDefects } from './numbers.ts'
import { queueDefects } from './queues.ts'

export const defects: readonly Defect[] = [...leaseDefects, ...queueDefects, ...numberDefects]
