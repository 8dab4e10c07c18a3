/**
 * Typed items with indexes, unique fields and references that commit together with them.
 *
 * @module lockrow/collections
 */

export { Collection } from './collection.ts'
export { CollectionInTransaction } from './collection-in-transaction.ts'
export {
  IndexNotReady,
  type MismatchIssue,
  NewerVersion,
  NotUnique,
  ReferenceMissing,
  SchemaMismatch,
  StillReferenced,
} from './errors.ts'
export type { IndexReader, UniqueReader } from './index-reader.ts'
export { decodeKey, encodeKey, type KeyValue } from './key-encoding.ts'
export { collection } from './make-collection.ts'
export { migrate } from './migration/migrate.ts'
export {
  type MigrationLambdaOptions,
  type MigrationLambdaResult,
  migrationLambda,
} from './migration/migration-lambda.ts'
export type {
  MigrateOptions,
  MigrationProblem,
  MigrationProgress,
  MigrationResult,
} from './migration/options.ts'
export { type MigrationPlan, type PlanOptions, planMigration } from './migration/plan-migration.ts'
export { Operations } from './operations.ts'
export type { ReaderOf } from './reader-of.ts'
export {
  type InputOf,
  type OutputOf,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
  typed,
} from './standard-schema.ts'
export type {
  ChangeOptions,
  ChangeResult,
  CollectionOptions,
  CountOptions,
  FieldOf,
  FieldsOption,
  IndexOption,
  KeyFunctions,
  KeyOf,
  KeyOption,
  ListAllOptions,
  ListOptions,
  Page,
  RangeOptions,
  ReferenceOption,
  ReferenceTarget,
  UniqueOption,
  Upgrade,
  WhereValue,
  Within,
} from './types.ts'
export type { IndexProblem, VerifyOptions, VerifyResult } from './verify.ts'
