import { conditionKind, conditionPath, type FieldReference } from '../contract/conditions.ts'
import type { Path } from '../contract/paths.ts'
import { parsePath } from './parse-path.ts'

/** Another field of the same item, to compare with. */
export const field = (of: Path): FieldReference => ({
  [conditionKind]: 'field',
  [conditionPath]: parsePath(of, 'field'),
})
