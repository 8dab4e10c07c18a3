/**
 * What a backend or a wrapper of a database is made of. Applications need `lockrow` alone.
 *
 * @module lockrow/backend
 */

export type { ByPath, ChangesAt, FieldChanges, Members } from '../contract/changes.ts'
export type {
  CombinedCondition,
  FieldCondition,
  FieldConditions,
  FieldReference,
  FieldTests,
  FieldTestsOfSize,
} from '../contract/conditions.ts'
export type { PathOf } from '../contract/places.ts'
export type { EngineOptions } from '../engine/context.ts'
export { AtomicEngine } from '../engine/engine.ts'
export type { ErrorDetails } from '../errors.ts'
export type * from '../interface.ts'
export { applyChanges, satisfies } from '../model/apply.ts'
export { holds } from '../model/evaluate.ts'
export { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from '../model/forwarding-db.ts'
export { keyText } from '../model/keys.ts'
export { pageFrom } from '../model/range-page.ts'
export { checkRowSize, outcomeOf } from '../model/row-outcome.ts'
export { rowFromText, rowToText } from '../model/row-text.ts'
export { scanFrom } from '../model/scan-page.ts'
export { type ScanRowsOptions, scanRows } from '../model/scan-rows.ts'
export { rowBytes } from '../model/sizes.ts'
export { TokenMemory } from '../model/token-memory.ts'
export { utf8Order } from '../model/values.ts'
export { type Runtime, systemRuntime } from '../runtime.ts'
export type * from '../storage.ts'
export { leftUndone, StorageFault } from '../storage.ts'
