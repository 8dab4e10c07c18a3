import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { MemoryStorage } from './storage.ts'

export interface AtomicMemoryDbOptions extends EngineOptions {
  /** Wall clock in epoch ms: `() => time` lets a test expire things. */
  now?: () => number
}

/**
 * The twin: everything that the DynamoDB backend does, in memory, with the same results, errors, limits and order.
 * For tests, development and small programs. What is given and returned is copied.
 */
export class AtomicMemoryDb extends AtomicEngine {
  constructor(options: AtomicMemoryDbOptions = {}) {
    const base = options.runtime ?? systemRuntime
    const runtime: Runtime = options.now ? { ...base, now: options.now } : base
    super(new MemoryStorage(runtime), { ...options, runtime })
  }
}
