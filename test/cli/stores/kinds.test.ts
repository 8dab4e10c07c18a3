import { expect, it } from 'vitest'
import { Refusal } from '../../../src/cli/failures.ts'
import { chosenStore, storeKinds, storeNames } from '../../../src/cli/stores/kinds.ts'
import { cli } from '../helpers.ts'

const url = 'postgres://app:secret@db.example:5433/shop?sslmode=require'

it('is the one that an option names, whatever the environment says', () => {
  const env = { LOCKROW_SQLITE: 'a.db', LOCKROW_POSTGRES: url }
  expect(chosenStore({ sqlite: 'b.db', table: 't' }, env)).toEqual({
    kind: 'sqlite',
    address: 'b.db',
    where: 'b.db',
    table: 't',
  })
  expect(chosenStore({ postgres: url }, env)).toMatchObject({
    kind: 'postgres',
    address: url,
    table: 'lockrow',
  })
})

it('is that of the environment, unless the call is about a table of DynamoDB', () => {
  const env = { LOCKROW_POSTGRES: url, LOCKROW_SQLITE: '' }
  expect(chosenStore({}, env)?.kind).toBe('postgres')
  for (const flags of [{ table: 't' }, { endpoint: 'http://localhost:8000' }, { region: 'eu-west-1' }])
    expect(chosenStore(flags, env)).toBeUndefined()
  expect(chosenStore({}, {})).toBeUndefined()
})

it('is never a guess', () => {
  const both = Object.fromEntries(storeNames.map((name) => [storeKinds[name].variable, url]))
  expect(() => chosenStore({}, both)).toThrow(
    /set together: choose by an option, --sqlite and --postgres and --redis/,
  )
  expect(() => chosenStore({ sqlite: 'a', postgres: url }, {})).toThrow(/cannot stand together/)
  expect(() => chosenStore({ postgres: url, region: 'eu-west-1' }, {})).toThrow(/cannot stand with/)
  expect(() => chosenStore({ redis: 'localhost:6379' }, {})).toThrow(/redis:\/\/user@host/)
  for (const address of ['', 'shop', 'http://localhost/shop'])
    expect(() => chosenStore({ postgres: address }, {})).toThrow(/postgres:\/\/user@host\/name/)
})

it('shows no password', () => {
  expect(chosenStore({ postgres: url }, {})?.where).toBe('postgres://db.example:5433/shop')
  expect(() => chosenStore({ postgres: 'app:secret@db/shop' }, {})).toThrow(Refusal)
  expect(() => chosenStore({ postgres: 'app:secret@db/shop' }, {})).not.toThrow(/secret/)
})

it('is in the help, with its variable', async () => {
  const { out } = await cli(['--help'])
  for (const name of storeNames) {
    expect(out).toContain(`--${name} `)
    expect(out).toContain(storeKinds[name].variable)
  }
})
