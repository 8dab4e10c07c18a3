import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'

/** An item or its absence. */
export interface Value {
  item: AtomicDbItem | undefined
}

/** What is to be done with an item, in the order of the calls. */
interface Step {
  /** Waits until the item is read, unless a step before has written it. */
  needsValue: boolean
  /** `value` is absent where the read failed. */
  run(value: Value | undefined): void
}

/** What a transaction knows of one item. */
export interface Entry {
  key: AtomicDbItemKey
  /** As it was read: compared at the commit. Absent: only written. */
  base?: Value
  /** With the writes so far. Absent: neither read nor written yet. */
  value?: Value
  /** How many calls write it. */
  writes: number
  isReading: boolean
  /** Why the read failed. */
  failure?: unknown
  steps: Step[]
}

export const newEntry = (key: AtomicDbItemKey): Entry => ({ key, writes: 0, isReading: false, steps: [] })

/** Runs what can be run. */
export function runSteps(entry: Entry): void {
  for (let step = entry.steps[0]; step; step = entry.steps[0]) {
    if (step.needsValue && !entry.value && entry.failure === undefined) return
    entry.steps.shift()
    step.run(entry.value)
  }
  entry.failure = undefined
}
