import { mutexDrills } from './mutexes.ts'
import { permitDrills } from './permits.ts'
import type { Drill } from './world.ts'

export const leaseDrills: readonly Drill[] = [...mutexDrills, ...permitDrills]
