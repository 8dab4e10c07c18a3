import { AtomicEngine } from '../../src/engine/engine.ts'
import type { Storage } from '../../src/storage.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../src/testing/sim/simulation.ts'

/** A request to write, as it is about to be sent: `send` sends it. */
export type Intercept = (
  send: () => ReturnType<Storage['apply']>,
  signal: AbortSignal | undefined,
  process: SimulatedRuntime,
) => ReturnType<Storage['apply']>

/** Processes with clocks of their own on one simulated server. */
export function simulatedWorld(seed = 1) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1, 4] })
  /** `intercept.now` decides what becomes of each write of this process. */
  const open = (options: { timeoutMs?: number } = {}) => {
    const process = world.process()
    const storage = server.connect(process)
    const intercept: { now?: Intercept } = {}
    const intercepted: Storage = {
      ...storage,
      apply: (operation, options) => {
        const send = () => storage.apply(operation, options)
        return intercept.now ? intercept.now(send, options.signal, process) : send()
      },
    }
    return { process, intercept, db: new AtomicEngine(intercepted, { ...options, runtime: process }) }
  }
  return { world, open }
}
