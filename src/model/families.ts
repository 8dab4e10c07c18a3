import { InvalidInput } from '../errors.ts'
import { pointerKey, shardIn } from './key-names.ts'
import { checkKey } from './keys.ts'

/**
 * A family: queues whose names begin alike, one per customer, say. Nobody lists them: each queue that may have messages
 * has a pointer in the family's own partition.
 */

/** Refuses what cannot be the beginning of the names of queues. */
export function checkFamilyName(family: unknown, field = 'family'): string {
  if (typeof family !== 'string' || family === '')
    throw new InvalidInput(field, 'must be the beginning of the names of queues', { given: typeof family })
  return family
}

/** Refuses a family that the queue does not belong to, or cannot have a pointer in. */
export function checkFamily(family: unknown, pk: string, at = ''): string {
  const field = `${at}family`
  const name = checkFamilyName(family, field)
  if (!pk.startsWith(name) || pk === name)
    throw new InvalidInput(field, `must be the beginning of the queue's name, '${pk}'`, { given: name })
  // Such names are those of rows that belong to the family, or to one of its queues.
  if (pk.startsWith('#', name.length) || shardIn(pk))
    throw new InvalidInput(`${at}pk`, "must not go on with '#' after its family, and must not be a shard", {
      given: pk,
    })
  checkKey(pointerKey(name, pk), field)
  return name
}
