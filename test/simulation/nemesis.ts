import type { Random } from '../../src/testing/random.ts'
import { type SimulatedFaultRates, simulatedFaults } from '../../src/testing/sim/faults.ts'
import type { SimulatedRuntime, Simulation } from '../../src/testing/sim/simulation.ts'

export const processFaults = ['crash', 'freeze', 'clockStep', 'expiredDeleted'] as const
export type ProcessFault = (typeof processFaults)[number]

/**
 * Each seed has some of the faults, at rates of its own: a run with all of them all the time never gets far.
 * 'Swarm testing': A. Groce et al., ISSTA 2012.
 */
export function chooseRates(random: Random): SimulatedFaultRates {
  const rates: SimulatedFaultRates = {}
  for (const fault of simulatedFaults) {
    if (random.chance(0.5)) rates[fault] = random.pick([0.005, 0.02, 0.05])
  }
  return rates
}

/** Makes one process suffer now and then, until it crashes or the run is over. */
export async function haunt(
  world: Simulation,
  process: SimulatedRuntime,
  random: Random,
  counts: Record<ProcessFault, number>,
  over: () => boolean,
  crashed: () => void,
): Promise<void> {
  const own = world.process()
  const kinds = (['crash', 'freeze', 'clockStep'] as const).filter(() => random.chance(0.5))
  if (kinds.length === 0) return
  for (;;) {
    await own.sleep(random.between(500, 30_000))
    if (over()) return
    const kind = random.pick(kinds)
    counts[kind]++
    if (kind === 'crash') {
      process.crash()
      await own.sleep(random.between(10, 5000))
      return crashed()
    }
    if (kind === 'freeze') process.freeze(random.between(100, random.chance(0.2) ? 60_000 : 3000))
    else process.stepClock(Math.round(random.between(-2000, 2000) - process.clockOffset / 2))
  }
}
