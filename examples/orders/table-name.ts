/** Name of the table, from the environment of the function. */
export function tableName(): string {
  const name = process.env.TABLE_NAME
  if (!name) throw new Error('TABLE_NAME is not set')
  return name
}
