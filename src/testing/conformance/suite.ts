import { optionsCheck } from '../../model/options-check.ts'
import { conditions } from './conditions.ts'
import { fields } from './fields.ts'
import { input } from './input.ts'
import { items } from './items.ts'
import { type Capability, type ConformanceOptions, type Kit, makeKit, type TestFramework } from './kit.ts'
import { locks } from './locks.ts'
import { many } from './many.ts'
import { names } from './names.ts'
import { oldValues } from './old-values.ts'
import { pages } from './pages.ts'
import { queries } from './queries.ts'
import { queueGroups } from './queue-groups.ts'
import { queueOptions } from './queue-options.ts'
import { queuePause } from './queue-pause.ts'
import { queuePriorities } from './queue-priorities.ts'
import { queueScale } from './queue-scale.ts'
import { queueScheduled } from './queue-scheduled.ts'
import { queueTransactions } from './queue-transactions.ts'
import { queueUnique } from './queue-unique.ts'
import { queues } from './queues.ts'
import { ranges } from './ranges.ts'
import { scans } from './scans.ts'
import { transactions } from './transactions.ts'
import { updates } from './updates.ts'
import { values } from './values.ts'

export {
  type Capability,
  type ConformanceBackend,
  type ConformanceOptions,
  type TestFramework,
  TestRuntime,
} from './kit.ts'

const parts: Record<Capability, (kit: Kit) => void> = {
  // First: it reads everything that is there.
  scans,
  items,
  values,
  queries: (kit) => {
    queries(kit)
    ranges(kit)
    pages(kit)
    fields(kit)
    many(kit)
    oldValues(kit)
  },
  locks,
  updates,
  conditions,
  transactions,
  queues: (kit) => {
    queues(kit)
    queueOptions(kit)
    queuePause(kit)
    queueUnique(kit)
    queueScale(kit)
    queueGroups(kit)
    queueScheduled(kit)
    queuePriorities(kit)
    queueTransactions(kit)
  },
  input: (kit) => {
    input(kit)
    names(kit)
  },
}

const checkConformanceOptions = /* @__PURE__ */ optionsCheck<ConformanceOptions>(() => [
  {
    open: true,
    capabilities: true,
  },
])

/**
 * The contract as tests: run it on a backend of your own.
 *
 * ```ts
 * import { afterAll, describe, it } from 'vitest'
 * conformanceSuite({ describe, it, afterAll }, 'my backend', {
 *   open: (runtime) => ({ client: () => new MyDb({ runtime }) }),
 * })
 * ```
 */
export function conformanceSuite(framework: TestFramework, name: string, options: ConformanceOptions): void {
  checkConformanceOptions(options)
  framework.describe(name, () => {
    const kit = makeKit(framework, options)
    for (const capability of options.capabilities ?? (Object.keys(parts) as Capability[])) {
      framework.describe(capability, () => parts[capability](kit))
    }
  })
}
