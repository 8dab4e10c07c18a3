import { createHash } from 'node:crypto'
import { AtomicEngine } from '../../src/engine/engine.ts'
import type { RetryOptions } from '../../src/engine/retry.ts'
import type { Runtime } from '../../src/runtime.ts'
import type { Storage } from '../../src/storage.ts'
import type { Random } from '../../src/testing/random.ts'
import { type SimulatedFault, simulatedFaults } from '../../src/testing/sim/faults.ts'
import { SimulatedServer } from '../../src/testing/sim/server.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { formatHistory, type History } from '../checkers/history.ts'
import { HistoryRecorder } from '../checkers/operations.ts'
import { type Finding, judge } from './judge.ts'
import { chooseRates, haunt, type ProcessFault, processFaults } from './nemesis.ts'
import { sweepExpired } from './sweep.ts'
import { libraryVersion } from './version.ts'
import type { Actor, Workload } from './workloads/actor.ts'
import { allWorkloads } from './workloads/index.ts'

export interface SimulationRun {
  seed: number
  history: History
  /** Of the whole history: equal for equal runs. */
  digest: string
  operations: number
  simulatedMs: number
  events: number
  faults: Record<SimulatedFault | ProcessFault, number>
  findings: Finding[]
  /** Histories given to a checker. */
  histories: number
}

export interface RunOptions {
  seed: number
  /** Operations of the clients. */
  steps: number
  workloads?: () => Workload[]
  /** Puts a defect between the engine and the storage, to see that it is found. */
  spoil?: (storage: Storage) => Storage
  /** Told of every fault, as a line of text. */
  trace?: (line: string, at: number) => void
}

export async function simulateSeed({
  seed,
  steps,
  workloads = allWorkloads,
  trace,
  spoil = (storage) => storage,
}: RunOptions): Promise<SimulationRun> {
  const world = new Simulation({ seed })
  const random = world.random.fork()
  const names = new Map<Runtime, string>()
  const most = { offset: 500 }
  const server = new SimulatedServer(world, {
    rates: chooseRates(random),
    onFault:
      trace &&
      (({ at, process, fault, request, keys }) =>
        trace(
          `${names.get(process)} ${request} ${keys.map(({ pk, sk }) => `${pk}/${sk}`).join(' ')}: ${fault}`,
          at,
        )),
  })
  const history = new HistoryRecorder(() => Math.round(world.time * 1000) / 1000)
  const findings: Finding[] = []
  const processCounts = Object.fromEntries(processFaults.map((fault) => [fault, 0])) as Record<
    ProcessFault,
    number
  >
  const work = workloads()
  const retry: RetryOptions = { attempts: random.pick([3, 10, 10]) }

  const join = (
    name: string,
    options: { healthy?: boolean } = {},
  ): Actor & { process: ReturnType<Simulation['process']> } => {
    const process = world.process()
    if (!options.healthy) process.stepClock(Math.round(random.between(-500, 500)))
    names.set(process, name)
    const connection = server.connect(process)
    return {
      name,
      process,
      db: new AtomicEngine(spoil(connection), { runtime: process, retry }),
      random: random.fork(),
      history,
      doubts: () => connection.doubts,
      trueNow: () => world.startAt + world.time,
      hurried: false,
      isDead: () => process.crashed,
      lateMs: 10_000,
      skewMs: () => 2 * most.offset + 50,
      anomaly: (kind, message) => findings.push({ kind, message, at: world.time }),
    }
  }

  const invoked = () => history.events.length / 2
  let over = false
  let actors = 0
  const running = new Set<string>()
  const begin = () => {
    const actor = join(`p${actors++}`)
    running.add(actor.name)
    const { process } = actor
    const stepped = process.stepClock.bind(process)
    process.stepClock = (ms) => {
      stepped(ms)
      most.offset = Math.max(most.offset, Math.abs(process.clockOffset))
    }
    void haunt(
      world,
      actor.process,
      random.fork(),
      processCounts,
      () => over,
      () => {
        running.delete(actor.name)
        begin()
      },
    )
    const live = async () => {
      while (!over && invoked() < steps) {
        await actor.db.runtime.sleep(think(actor.random))
        await actor.random.pick(work).step(actor)
      }
      running.delete(actor.name)
    }
    live().catch((error) => {
      running.delete(actor.name)
      findings.push({
        kind: 'unexpected',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
    })
  }

  await world.run(async () => {
    const observer = join('observer', { healthy: true })
    const wait = (ms: number) => observer.process.sleep(ms)
    const sweeping = sweepExpired(
      world,
      server,
      random.fork(),
      () => over,
      () => processCounts.expiredDeleted++,
    )
    for (let i = 3 + random.int(6); i > 0; i--) begin()
    while (invoked() < steps && running.size > 0) await wait(500)
    over = true
    server.rates = {}
    // Late requests still arrive, and the frozen wake up.
    for (let waited = 0; running.size > 0 && waited < 600; waited++) await wait(500)
    await wait(20_000)
    for (const workload of work) await workload.finish?.(observer)
    await sweeping
  })

  const recorded = history.history({ library: libraryVersion(), seed, steps })
  const { findings: judged, histories } = judge(recorded.events)
  findings.push(...judged)
  return {
    seed,
    history: recorded,
    digest: createHash('sha256').update(formatHistory(recorded)).digest('hex').slice(0, 16),
    operations: Math.floor(invoked()),
    simulatedMs: world.time,
    events: world.events,
    faults: { ...server.counts, ...processCounts },
    findings,
    histories,
  }
}

/** Bursts in which everybody writes at once, and idle time in which deadlines pass. */
const think = (random: Random): number =>
  random.chance(0.75)
    ? random.between(0, 20)
    : random.chance(0.9)
      ? random.between(100, 2000)
      : random.between(2000, 20_000)

export const allFaults = [...simulatedFaults, ...processFaults]
