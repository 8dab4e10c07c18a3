import { fenced } from '../../src/coordination/fencing.ts'
import type { Random } from '../../src/testing/random.ts'
import { record } from '../simulation/workloads/actor.ts'
import type { Plan, Process } from './world.ts'

export const leaseKey = { pk: 'drill', sk: 'lease' }
export const leaseName = 'lease'

/** What a run of a drill of leases looks like. */
export interface LeaseWorld {
  /** Undefined: the library's default. */
  clockToleranceMs: number | undefined
  /** Clocks differ by at most the tolerance, so that nobody may ever hold beside another. */
  judged: boolean
  /** Of all clocks together. */
  plan: Pick<
    Plan,
    'contenders' | 'offsetMs' | 'stepMs' | 'freezeMs' | 'suspendMs' | 'lateMs' | 'often' | 'outageMs'
  >
  ttlMs(random: Random): number
}

const longestMs = 30_000

export function drawLeaseWorld(draw: Random, { anyClock = false } = {}): LeaseWorld {
  const clockToleranceMs = draw.pick([undefined, undefined, undefined, 0, 200, 5000, 30_000])
  const tolerance = clockToleranceMs ?? 1000
  const within = !anyClock && draw.chance(0.7)
  const wrong = within ? tolerance / 2 : draw.pick([2 * tolerance + 3000, 60_000])
  // One time to live for all, or several far apart.
  const ttls = draw.sample([300, 1000, 3000, 10_000, longestMs], draw.pick([1, 2, 5]))
  return {
    clockToleranceMs,
    judged: within || anyClock,
    plan: {
      contenders: draw.pick([4, 12, 24]),
      offsetMs: wrong,
      stepMs: draw.chance(0.5) ? wrong : 0,
      freezeMs: draw.pick([0, 400, 5000, 60_000]),
      suspendMs: draw.pick([0, 0, 5000, 60_000]),
      lateMs: draw.pick([500, 3000, 20_000, 60_000]),
      outageMs: draw.pick([0, 0, 15_000]),
      often: draw.pick([undefined, undefined, 'slow', 'lateRequest', 'lostRequest']),
    },
    ttlMs: (random) => random.pick(ttls),
  }
}

/** After this time whatever is held by nobody alive is free. */
export const settledMs = 2 * (longestMs + 30_000) + 60_000

/** Writes under a fencing token; the history shows whether it was accepted. */
export async function fencedWrite(actor: Process, token: number): Promise<void> {
  const { changes, if: condition } = fenced({ set: { by: actor.name } }, token)
  const write = () => actor.db.update({ pk: 'drill', sk: 'fenced' }, changes, { if: condition })
  await record(actor, 'write', leaseName, { token }, async () => (await write()).applied, {
    output: (applied) => applied,
  })
}

/** Works for a while, sometimes for longer than its lease. */
export const work = ({ db, random }: Process, ttlMs: number): Promise<void> =>
  db.runtime.sleep(random.chance(0.2) ? random.between(ttlMs, 2 * ttlMs) : random.between(0, 300))

export const isCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as { code?: string } | undefined)?.code ?? '')
