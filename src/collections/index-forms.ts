import { InvalidInput } from '../errors.ts'
import type { Definition } from './definition.ts'
import type { IndexDefinition } from './index-definition.ts'
import {
  type CollectionState,
  formAttribute,
  formOf,
  formText,
  goneForm,
  parseForm,
  writersIn,
} from './state.ts'

/**
 * An index is as its collection has it, in every program: one that is new or another needs a version, or entries of items
 * that are there already would be missing or wrong without a word.
 */

/** The forms that are to be written, by attribute. Throws `InvalidInput` for an index that cannot be as it is given. */
export function newForms(definition: Definition, state: CollectionState): Record<string, string> {
  const forms: Record<string, string> = {}
  for (const index of definition.indexes.values()) {
    if (index.retired) continue
    const attribute = formAttribute(index.name)
    const text = formText(formOf(definition, index))
    if (state[attribute] === text) continue
    if (isNewer(definition, index, state)) forms[attribute] = text
  }
  return forms
}

/** False: a later version has it in another form already. */
function isNewer(definition: Definition, index: IndexDefinition, state: CollectionState): boolean {
  const { since, changed, keys, held } = formOf(definition, index)
  const form = state[formAttribute(index.name)]
  if (form === goneForm)
    throw wrong(definition, index, 'has the name of one that was removed: give it another name')
  const known = parseForm(form)
  if (!known) {
    const isLive = writersIn(state).some(({ version }) => version >= since)
    if (isLive)
      throw wrong(
        definition,
        index,
        `is new, and items are there already: say 'since: ${definition.version + 1}'`,
      )
    return true
  }
  if (known.since !== since || known.keys !== keys)
    throw wrong(
      definition,
      index,
      "is not as the collection has it: retire it, and add one of another name with 'since'",
    )
  if (known.changed === changed && known.held !== held)
    throw wrong(
      definition,
      index,
      `has other fields in its entries: say 'changed: ${definition.version + 1}'`,
    )
  return known.changed < changed
}

const wrong = ({ name, version }: Definition, index: IndexDefinition, what: string): InvalidInput =>
  new InvalidInput(
    `options.indexes.${index.name}`,
    `of ${name} ${what}, and 'version: ${version + 1}'; then migrate()`,
  )
