import type { Patch } from '../../mutants/patch.ts'

/** The classes of weaknesses that leases, queues and numbers have had. */
export const defectClasses = [
  'elapsed time',
  'exclusion',
  'blockage',
  'order',
  'worker',
  'lambda',
  'outcomes',
  'numbers',
  'moves',
  'pointers',
  'priorities',
  'schedules',
  'collections',
  'jobs',
  'uniqueness',
] as const

/** A small change of the library that one drill must find. */
export interface Defect {
  name: string
  class: (typeof defectClasses)[number]
  patches: readonly Patch[]
  /** Name of the drill that must find it. */
  drill: string
  /** Kinds of anomalies that show it. */
  found: RegExp
}

export const change = (file: string, from: string, to: string): Patch => ({ file: `src/${file}`, from, to })
