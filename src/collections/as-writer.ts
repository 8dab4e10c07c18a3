import { RaceCondition } from '../errors.ts'
import type { CallOptions } from '../interface.ts'
import { withCheck } from '../model/last-moment.ts'
import { type Registration, registrationOf } from './registration.ts'
import type { World } from './world.ts'

const registrations = new WeakMap<World, Registration>()

/** The registration that all writes of a world rely on. */
export function writerOf(world: World): Registration {
  let found = registrations.get(world)
  if (!found) {
    found = registrationOf(world)
    registrations.set(world, found)
  }
  return found
}

const attempts = 3

/** Runs writes that leave only while this process is registered; again where it was frozen for longer. */
export async function asWriter<R>(
  world: World,
  options: CallOptions,
  work: (call: CallOptions) => Promise<R>,
): Promise<R> {
  const writer = writerOf(world)
  for (let attempt = 1; ; attempt++) {
    if (!writer.isReliable) await writer.ensure(world.db, options)
    try {
      return await work(withCheck(options, writer.check))
    } catch (error) {
      if (!(error instanceof RaceCondition) || writer.isReliable || attempt === attempts) throw error
    }
  }
}
