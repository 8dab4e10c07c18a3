import { allOf, type Condition, exists } from '../../contract/conditions.ts'
import type { AtomicDbItemKey, CallOptions } from '../../interface.ts'
import { withCheck } from '../../model/last-moment.ts'
import { idSource } from '../../runtime.ts'
import { writerOf } from '../as-writer.ts'
import { type CollectionState, stateKey } from '../state.ts'
import type { World } from '../world.ts'

/**
 * How far a migration has come lies in the row of the collection's state. It moves on only from the step that was read, so
 * that of two migrators one does and the other reads again: no row is passed over, whoever is killed or frozen.
 */
export interface Pass {
  readonly id: string
  readonly to: number
  readonly phase: 'fill' | 'last' | 'clean'
  readonly step: number
  readonly after?: AtomicDbItemKey
  readonly over: boolean
  readonly looked: number
  readonly written: number
  readonly wru: number
  /** Items that could not be upgraded. */
  readonly blocked: number
}

export const passOf = ({ definition }: World, state: CollectionState): Pass | undefined => {
  const pass = state.pass as Pass | undefined
  return pass?.to === definition.version ? pass : undefined
}

export const newPass = ({ db, definition }: World, phase: Pass['phase']): Pass => ({
  id: idSource(db.runtime)(),
  to: definition.version,
  phase,
  step: 0,
  over: false,
  looked: 0,
  written: 0,
  wru: 0,
  blocked: 0,
})

type Path = readonly [string]
const at = (name: string): Path => [name]

/** Changes the state, if the pass is still as it was read and `more` holds. False: read again. */
export async function changeState(
  { db, definition, ...rest }: World,
  state: CollectionState,
  values: Readonly<Record<string, unknown>>,
  call: CallOptions,
  more: readonly Condition[] = [],
): Promise<boolean> {
  const writer = writerOf({ db, definition, ...rest })
  const set = Object.entries(values).filter(([, value]) => value !== undefined)
  const remove = Object.keys(values).filter((name) => values[name] === undefined)
  const changes = {
    ...(set.length > 0 && { set: set.map(([name, value]) => [at(name), value]) }),
    ...(remove.length > 0 && { remove: remove.map(at) }),
  }
  const { applied } = await db.update(stateKey(definition), changes as never, {
    ...withCheck(call, writer.check),
    if: allOf(exists, samePass(state.pass as Pass | undefined), ...more) as never,
  })
  return applied
}

const samePass = (pass: Pass | undefined): Condition =>
  (pass
    ? [
        [['pass', 'id'], { eq: pass.id }],
        [['pass', 'step'], { eq: pass.step }],
      ]
    : [[['pass'], { exists: false }]]) as Condition

/** An attribute of the state is as it was read. */
export const asRead = (state: CollectionState, name: string): Condition =>
  [[[name], state[name] === undefined ? { exists: false } : { eq: state[name] }]] as Condition
