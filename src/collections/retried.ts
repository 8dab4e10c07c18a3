import { RaceCondition } from '../errors.ts'
import type { CallOptions } from '../interface.ts'
import { withCheck } from '../model/last-moment.ts'
import { timeLeftOf } from '../model/time-left.ts'
import { writerOf } from './as-writer.ts'
import type { Committed } from './commit.ts'
import type { Registration } from './registration.ts'
import type { World } from './world.ts'

const attempts = 12
const baseMs = 10
const maxMs = 1000

/** What each attempt gets: the time that is left, and entries that are not the item's any more. */
export interface Attempt {
  readonly call: CallOptions
  readonly foreign: ReadonlySet<string>
}

/**
 * Plans and commits until nobody was faster, with random waits ('full jitter') and within the time of the call.
 * `work` returns what became of its plan, or with `result` that there is nothing (more) to do.
 */
export async function retried<R>(
  world: World,
  { signal, timeoutMs }: CallOptions,
  work: (attempt: Attempt) => Promise<{ committed: Committed; result: R } | { result: R }>,
): Promise<R> {
  const { db } = world
  const writer = writerOf(world)
  const started = db.runtime.monotonic()
  const passed = () => db.runtime.monotonic() - started
  const foreign = new Set<string>()
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const left = timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, timeoutMs - passed()) }
    if (!writer.isReliable) await writer.ensure(db, { signal, ...left })
    const outcome = await unlessLate(
      writer,
      work({ call: withCheck({ signal, ...left }, writer.check), foreign }),
    )
    if (!('committed' in outcome) || outcome.committed === 'done') return outcome.result
    const { committed } = outcome
    if ('foreign' in committed) {
      for (const text of committed.foreign) foreign.add(text)
      if (attempt < attempts) continue
    }
    const waitMs = db.runtime.random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1))
    const isLate = passed() + waitMs >= (timeoutMs ?? Number.POSITIVE_INFINITY) || waitMs >= timeLeftOf(db)
    if (attempt >= attempts || isLate) throw givenUp(committed, attempt)
    await db.runtime.sleep(waitMs, { signal })
  }
}

/** What was kept back too long is planned again. */
async function unlessLate<R>(
  writer: Registration,
  work: Promise<R>,
): Promise<R | { committed: Committed; result: never }> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof RaceCondition) || writer.isReliable) throw error
    return { committed: { raced: error } } as { committed: Committed; result: never }
  }
}

function givenUp(committed: Exclude<Committed, 'done'>, attempt: number): RaceCondition {
  const race = 'raced' in committed ? committed.raced : undefined
  return new RaceCondition(
    `gave up after ${attempt} attempts: ${race?.message ?? 'unique entries kept changing'}`,
    race?.conflicts ?? [],
    {
      cause: race,
      attempts: attempt,
    },
  )
}
