import { engineOptions } from '../engine/context.ts'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { optionsCheck } from '../model/options-check.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { MemoryStorage } from './storage.ts'

/** Options of `AtomicMemoryDb`. */
export interface AtomicMemoryDbOptions extends EngineOptions {
  /** Wall clock in epoch ms: `() => time` lets a test expire things. */
  now?: () => number
}

const checkMemoryOptions = /* @__PURE__ */ optionsCheck<AtomicMemoryDbOptions>(() => [
  { ...engineOptions, now: true },
  { clock: "use 'now': () => epochMilliseconds" },
])

/**
 * The twin: everything that the DynamoDB backend does, in memory, with the same results, errors, limits and order.
 * For tests, development and small programs. What is given and returned is copied.
 */
export class AtomicMemoryDb extends AtomicEngine {
  constructor(options: AtomicMemoryDbOptions = {}) {
    checkMemoryOptions(options)
    const { now, ...rest } = options
    const base = options.runtime ?? systemRuntime
    const runtime: Runtime = now ? { ...base, now } : base
    super(new MemoryStorage(runtime), { ...rest, runtime })
  }
}
