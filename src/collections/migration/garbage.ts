import { type CollectionState, formAttribute, formsIn, goneForm, sinceOf } from '../state.ts'
import type { World } from '../world.ts'

/** Indexes with rows that nobody keeps any more: retired, or not in the definition. */
export function garbageIn({ definition }: World, state: CollectionState): string[] {
  return formsIn(state).filter((name) => {
    const form = state[formAttribute(name)]
    const index = definition.indexes.get(name)
    return form !== goneForm && (index?.retired ?? !index) && sinceOf(form) <= definition.version
  })
}

/** What the state says of them when their rows are deleted. */
export const cleanedForms = (world: World, state: CollectionState): Record<string, string> =>
  Object.fromEntries(garbageIn(world, state).map((name) => [formAttribute(name), goneForm]))
