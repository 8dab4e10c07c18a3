/**
 * Drills: one feature, many contenders, every fault, one seed. The processes record what they do and are told; the
 * history goes to a checker that knows nothing of the library.
 */
import { AtomicEngine } from '../../src/engine/engine.ts'
import type { Row, Storage } from '../../src/storage.ts'
import type { Random } from '../../src/testing/random.ts'
import {
  type SimulatedFault,
  type SimulatedFaultRates,
  simulatedFaults,
} from '../../src/testing/sim/faults.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../src/testing/sim/simulation.ts'
import { HistoryRecorder, type Operation, pairOperations } from '../checkers/operations.ts'
import type { Finding } from '../simulation/judge.ts'
import type { Actor } from '../simulation/workloads/actor.ts'

export type Process = Actor & {
  process: SimulatedRuntime
  /** Another process of the same world, which shares nothing with this one. */
  spawn(): Process
  /** The rows of a partition as the server has them. */
  rows(pk: string): Promise<readonly Row[]>
  /** When its clock was stepped last, simulated ms. */
  lastStepAt(): number
}

/** One feature; what a run of it looks like is drawn from its seed. */
export interface Drill {
  name: string
  plan(draw: Random): Plan
}

export interface Plan {
  contenders: number
  /** By how much clocks are wrong at first, ms either way. Default 500. */
  offsetMs?: number
  /** Clock steps to at most so many ms either way; 0: none. */
  stepMs: number
  /** Pauses of up to so many ms; 0: none. */
  freezeMs: number
  /** Pauses in which the monotonic clock stands still too, of up to so many ms. Default 0: none. */
  suspendMs?: number
  /** Late requests arrive up to so many ms after they were given up. Default 3000. */
  lateMs?: number
  /** One fault that happens to every fifth request. Default: none. */
  often?: SimulatedFault | undefined
  /** Now and then the table refuses everything for so long, ms. Default 0: never. */
  outageMs?: number
  /** Nothing happens to requests. Default false. */
  calm?: boolean
  /** By how much eventually consistent reads lag, ms. Default up to 1000. */
  lagMs?: number
  /** A write is sent up to so many ms after it was asked for: its process was frozen in between. Default 0: at once. */
  stallMs?: number
  /** How many of the writes, 0 to 1. Default 0.1. */
  stallRate?: number | undefined
  /** How long the processes may take. Default an hour. */
  mostMs?: number
  /** Whether processes crash. Default true. */
  mortal?: boolean
  /** What one process does until its work is done. A crashed one is replaced by another. */
  live(actor: Process): Promise<void>
  /** Beside them from the start, without faults of its own process. */
  watch?(observer: Process, over: () => boolean): Promise<void>
  /** Without faults, when all are done. */
  finish?(observer: Process): Promise<void>
  check(operations: Operation[], skewMs: number): readonly { kind: string; message: string }[]
}

export interface DrillRun {
  name: string
  seed: number
  operations: number
  simulatedMs: number
  faults: Record<string, number>
  findings: Finding[]
  events: HistoryRecorder['events']
}

const hourMs = 3_600_000

export async function drill(
  seed: number,
  { name, plan: draw }: Drill,
  // A defect between engine and storage, to see that it is found.
  spoil: (storage: Storage) => Storage = (storage) => storage,
): Promise<DrillRun> {
  const world = new Simulation({ seed })
  const random = world.random.fork()
  const plan = draw(random.fork())
  const rates: SimulatedFaultRates = {}
  for (const fault of simulatedFaults) if (random.chance(0.6)) rates[fault] = random.pick([0.005, 0.02, 0.05])
  if (plan.calm) for (const fault of simulatedFaults) delete rates[fault]
  else if (plan.often) rates[plan.often] = 0.2
  const server = new SimulatedServer(world, {
    rates,
    lateMs: [0, plan.lateMs ?? 3000],
    lagMs: [0, plan.lagMs ?? 1000],
  })
  const history = new HistoryRecorder(() => Math.round(world.time * 1000) / 1000)
  const findings: Finding[] = []
  const faults: Record<string, number> = { crash: 0, freeze: 0, suspend: 0, clockStep: 0 }
  const offsetMs = plan.offsetMs ?? 500
  const steps = new Map<SimulatedRuntime, number>()
  let largest = offsetMs
  let names = 0

  const join = (healthy = false): Process => {
    const process = world.process()
    if (!healthy) process.stepClock(Math.round(random.between(-offsetMs, offsetMs)))
    const connection = server.connect(process)
    return {
      name: healthy ? 'observer' : `p${names++}`,
      process,
      db: new AtomicEngine(spoil(stalled(connection, process)), { runtime: process }),
      random: random.fork(),
      history,
      doubts: () => connection.doubts,
      trueNow: () => world.startAt + world.time,
      lateMs: 10_000,
      skewMs: () => 2 * largest + 50,
      hurried: false,
      isDead: () => process.crashed,
      spawn: () => join(healthy),
      rows: async (pk) => (await server.storage.page({ pk })).rows,
      lastStepAt: () => steps.get(process) ?? Number.NEGATIVE_INFINITY,
      anomaly: (kind, message) => findings.push({ kind, message, at: world.time }),
    }
  }

  const stalled = (storage: Storage, process: SimulatedRuntime): Storage => {
    const { stallMs = 0 } = plan
    if (stallMs === 0) return storage
    const stall = async () => {
      if (!over && random.chance(plan.stallRate ?? 0.1)) await process.sleep(random.between(0, stallMs))
    }
    return {
      read: (keys, options) => storage.read(keys, options),
      readTogether: (keys, options) => storage.readTogether(keys, options),
      page: (range, options) => storage.page(range, options),
      scan: (scan, options) => storage.scan(scan, options),
      write: async (writes, options) => stall().then(() => storage.write(writes, options)),
      apply: async (operation, options) => stall().then(() => storage.apply(operation, options)),
      transact: async (operations, token, options) =>
        stall().then(() => storage.transact(operations, token, options)),
    }
  }

  let over = false
  const running = new Set<Process>()
  const begin = (): void => {
    const actor = join()
    running.add(actor)
    void haunt(actor)
    plan.live(actor).then(
      () => running.delete(actor),
      (error) => {
        running.delete(actor)
        if (!over) findings.push({ kind: 'unexpected', message: String(error?.stack ?? error) })
      },
    )
  }

  const haunt = async (actor: Process): Promise<void> => {
    const { process } = actor
    const nemesis = world.process()
    const kinds = [
      ...((plan.mortal ?? true) ? ['crash' as const] : []),
      ...(plan.freezeMs > 0 ? ['freeze' as const] : []),
      ...((plan.suspendMs ?? 0) > 0 ? ['suspend' as const] : []),
      ...(plan.stepMs > 0 ? ['clockStep' as const] : []),
    ].filter(() => random.chance(0.5))
    while (kinds.length > 0 && !over) {
      await nemesis.sleep(random.between(500, 20_000))
      if (over || !running.has(actor)) return
      // One at a time, or it would never do anything.
      if (process.frozenUntil > world.time) continue
      const kind = random.pick(kinds)
      faults[kind]!++
      if (kind === 'freeze') process.freeze(random.between(50, plan.freezeMs))
      else if (kind === 'suspend') process.suspend(random.between(50, plan.suspendMs!))
      else if (kind === 'clockStep') {
        process.stepClock(Math.round(random.between(-plan.stepMs, plan.stepMs)) - process.clockOffset)
        largest = Math.max(largest, Math.abs(process.clockOffset))
        steps.set(process, world.time)
      } else {
        history.complete(history.invoke(actor.name, 'gone', 'gone'), 'ok')
        process.crash()
        running.delete(actor)
        await nemesis.sleep(random.between(10, 3000))
        if (!over) begin()
        return
      }
    }
  }

  const refuseAll = async ({ process }: Process, mostMs: number): Promise<void> => {
    while (!over) {
      await process.sleep(random.between(1000, 30_000))
      if (over) return
      server.rates = { ...rates, throttled: 1 }
      await process.sleep(random.between(500, mostMs))
      server.rates = over ? {} : rates
    }
  }

  await world.run(async () => {
    const observer = join(true)
    void plan.watch?.(observer, () => over)
    if (plan.outageMs) void refuseAll(observer, plan.outageMs)
    for (let i = 0; i < plan.contenders; i++) begin()
    while (running.size > 0 && world.time < (plan.mostMs ?? hourMs)) await observer.process.sleep(500)
    if (running.size > 0)
      findings.push({ kind: 'no progress', message: `${running.size} processes are not done in time` })
    over = true
    server.rates = {}
    // Late requests still arrive.
    await observer.process.sleep(20_000 + (plan.lateMs ?? 0))
    await plan.finish?.(observer)
  })

  const operations = pairOperations(history.events)
  findings.push(...plan.check(operations, 2 * largest + 50))
  return {
    name,
    seed,
    operations: operations.length,
    simulatedMs: world.time,
    faults: { ...server.counts, ...faults },
    findings: findings.map((one) => ({ ...one, kind: `${name}: ${one.kind}` })),
    events: history.events,
  }
}
