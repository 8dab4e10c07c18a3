import { InvalidInput } from '../errors.ts'

/** What a table can be called here: the service judges the rest. */
export function checkTableName(tableName: unknown): void {
  if (typeof tableName !== 'string' || tableName === '')
    throw new InvalidInput('tableName', 'must be the name of a table')
}
