/**
 * Drills: one feature, many contenders, every fault, one seed. The processes record what they do and are told; the
 * history goes to a checker that knows nothing of the library.
 */
import { AtomicEngine } from '../../../src/engine/engine.ts'
import type { Storage } from '../../../src/storage.ts'
import { type SimulatedFaultRates, simulatedFaults } from '../../../src/testing/sim/faults.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'
import { HistoryRecorder, type Operation, pairOperations } from '../checkers/operations.ts'
import type { Finding } from '../judge.ts'
import type { Actor } from '../workloads/actor.ts'

export type Process = Actor & { process: SimulatedRuntime }

export interface Plan {
  name: string
  contenders: number
  /** Clock steps of up to so many ms either way; 0: none. */
  stepMs: number
  /** Pauses of up to so many ms; 0: none. */
  freezeMs: number
  /** What one process does until its work is done. A crashed one is replaced by another. */
  live(actor: Process): Promise<void>
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
  make: () => Plan,
  // A defect between engine and storage, to see that it is found.
  spoil: (storage: Storage) => Storage = (storage) => storage,
): Promise<DrillRun> {
  const world = new Simulation({ seed })
  const random = world.random.fork()
  const plan = make()
  const rates: SimulatedFaultRates = {}
  for (const fault of simulatedFaults) if (random.chance(0.6)) rates[fault] = random.pick([0.005, 0.02, 0.05])
  const server = new SimulatedServer(world, { rates })
  const history = new HistoryRecorder(() => Math.round(world.time * 1000) / 1000)
  const findings: Finding[] = []
  const faults: Record<string, number> = { crash: 0, freeze: 0, clockStep: 0 }
  let largest = 500
  let names = 0

  const join = (healthy = false): Process => {
    const process = world.process()
    if (!healthy) process.stepClock(Math.round(random.between(-500, 500)))
    const connection = server.connect(process)
    return {
      name: healthy ? 'observer' : `p${names++}`,
      process,
      db: new AtomicEngine(spoil(connection), { runtime: process }),
      random: random.fork(),
      history,
      doubts: () => connection.doubts,
      trueNow: () => world.startAt + world.time,
      skewMs: () => 2 * largest + 50,
      hurried: false,
      isDead: () => process.crashed,
      anomaly: (kind, message) => findings.push({ kind, message, at: world.time }),
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
      'crash' as const,
      ...(plan.freezeMs > 0 ? ['freeze' as const] : []),
      ...(plan.stepMs > 0 ? ['clockStep' as const] : []),
    ].filter(() => random.chance(0.5))
    while (kinds.length > 0 && !over) {
      await nemesis.sleep(random.between(500, 20_000))
      if (over || !running.has(actor)) return
      const kind = random.pick(kinds)
      faults[kind]!++
      if (kind === 'freeze') process.freeze(random.between(50, plan.freezeMs))
      else if (kind === 'clockStep') {
        process.stepClock(Math.round(random.between(-plan.stepMs, plan.stepMs)) - process.clockOffset)
        largest = Math.max(largest, Math.abs(process.clockOffset))
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

  await world.run(async () => {
    const observer = join(true)
    for (let i = 0; i < plan.contenders; i++) begin()
    while (running.size > 0 && world.time < hourMs) await observer.process.sleep(500)
    if (running.size > 0)
      findings.push({ kind: 'no progress', message: `${running.size} processes are not done after an hour` })
    over = true
    server.rates = {}
    // Late requests still arrive.
    await observer.process.sleep(20_000)
    await plan.finish?.(observer)
  })

  const operations = pairOperations(history.events)
  findings.push(...plan.check(operations, 2 * largest + 50))
  return {
    name: plan.name,
    seed,
    operations: operations.length,
    simulatedMs: world.time,
    faults: { ...server.counts, ...faults },
    findings: findings.map((one) => ({ ...one, kind: `${plan.name}: ${one.kind}` })),
    events: history.events,
  }
}
