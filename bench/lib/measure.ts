import { performance } from 'node:perf_hooks'
import { progress } from './terminal.ts'

export interface Contender {
  name: string
  /** Does the work once. */
  run: () => unknown
}

export interface Measured {
  name: string
  /** Microseconds per operation, one value per round. */
  rounds: number[]
}

export interface Spread {
  median: number
  /** First and third quartile. */
  low: number
  high: number
}

export interface MeasureOptions {
  rounds: number
  /** How long one contender runs in one round. */
  sliceMs: number
  /** `cpu`: user and system time of the process; `wall`: the clock. */
  clock: 'cpu' | 'wall'
  label: string
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (q: number) => {
    const position = (sorted.length - 1) * q
    const low = Math.floor(position)
    const rest = position - low
    return sorted[low]! * (1 - rest) + (sorted[Math.min(low + 1, sorted.length - 1)] ?? 0) * rest
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

const wall = (): number => performance.now() * 1000

async function repeat(run: Contender['run'], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const result = run()
    // What is synchronous is not made to wait for a microtask.
    if (result instanceof Promise) await result
  }
}

/** How often the work fits into a slice; warms up on the way. */
async function calibrated(contender: Contender, options: MeasureOptions): Promise<number> {
  let times = 1
  for (;;) {
    const start = performance.now()
    await repeat(contender.run, times)
    const took = performance.now() - start
    if (took >= options.sliceMs) return Math.max(1, Math.round((times * options.sliceMs) / took))
    times = took < 1 ? times * 10 : Math.ceil(times * Math.min(10, (1.2 * options.sliceMs) / took))
  }
}

/**
 * Runs all contenders in turn, round after round, each time in another order, so that whatever else the machine
 * does hits all of them alike. Compare the rounds, not the totals.
 */
export async function interleaved(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<Measured[]> {
  const clock = options.clock === 'cpu' ? cpu : wall
  const times: number[] = []
  for (const contender of contenders) {
    // Warm first: what is not compiled yet runs several times slower.
    const warm = performance.now() + 8 * options.sliceMs
    while (performance.now() < warm) await repeat(contender.run, 10)
    times.push(await calibrated(contender, options))
  }
  const measured = contenders.map(({ name }): Measured => ({ name, rounds: [] }))
  for (let round = 0; round < options.rounds; round++) {
    progress(`${options.label}: round ${round + 1} of ${options.rounds}`)
    for (let turn = 0; turn < contenders.length; turn++) {
      // Forwards and backwards in turn, so that nobody always runs behind the same neighbour.
      const step = (turn + round) % contenders.length
      const i = round % 2 === 0 ? step : contenders.length - 1 - step
      // Promises alone never let go of the event loop: Ctrl-C must be heard.
      await new Promise(setImmediate)
      // A full collection of gigabytes would take longer than the turn itself.
      if (process.memoryUsage().heapUsed < 1e8) global.gc?.()
      const start = clock()
      await repeat(contenders[i]!.run, times[i]!)
      measured[i]!.rounds.push((clock() - start) / times[i]!)
    }
  }
  progress('')
  return measured
}

/** Round by round: how many times as much as the base. */
export function ratio(of: Measured, base: Measured): Spread {
  return spread(of.rounds.map((value, i) => value / base.rounds[i]!))
}

/** Throughput of `clients` loops over `work` until the time is up: operations a second. */
export async function throughput(
  clients: number,
  ms: number,
  work: (client: number) => Promise<unknown>,
): Promise<number> {
  const start = performance.now()
  let done = 0
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() - start < ms) {
        await work(client)
        done++
      }
    }),
  )
  return (done * 1000) / (performance.now() - start)
}
