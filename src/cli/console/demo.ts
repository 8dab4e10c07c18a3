/** The shop of the demo, on the twin: a world that the console can show without any table. */
import { AtomicEngine } from '../../backend/index.ts'
import { Recording, UnitMeter } from '../../console/index.ts'
import type { AtomicDbInterface } from '../../interface.ts'
import { MemoryStorage } from '../../memory/storage.ts'
import { type Runtime, systemRuntime } from '../../runtime.ts'
import { meteredStorage } from './metered-storage.ts'
import { Traffic } from './traffic.ts'

/** What `consoleHandler` needs of a demo. */
export interface Demo {
  db: AtomicDbInterface
  scan: true
  meter: UnitMeter
  traffic: UnitMeter
  recording: Recording
  queues: string[]
  collections: { name: string; describe(): string }[]
  /** Fills the shop. Then customers come, until `stop`. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Console and traffic have each a meter of their own, over the same rows. */
export function makeDemo(runtime: Runtime = systemRuntime): Demo {
  const storage = new MemoryStorage(runtime)
  const [meter, traffic, recording] = [new UnitMeter(), new UnitMeter(), new Recording()]
  const { onEvent } = recording
  const busy = new AtomicEngine(meteredStorage(storage, traffic), { runtime, onEvent })
  const shop = new Traffic(recording.of(busy))
  return {
    db: new AtomicEngine(meteredStorage(storage, meter), { runtime }),
    scan: true,
    meter,
    traffic,
    recording,
    queues: ['shipping', 'mails'],
    collections: shop.collections,
    start: () => shop.start(),
    stop: () => shop.stop(),
  }
}
