import { seconds } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'

/** Options of `createTable`. */
export interface CreateTableOptions {
  /** Switch on DynamoDB's own deletion of expired rows (attribute `ttl`). Default true. */
  ttl?: boolean
  /** How long to wait until the table is active. Default 60 seconds. */
  waitSeconds?: number
}

const checkNames = /* @__PURE__ */ optionsCheck<CreateTableOptions>(() => [
  {
    ttl: 'boolean',
    waitSeconds: true,
  },
])

/** The options with their defaults. */
export function checkedTableOptions(options: CreateTableOptions): Required<CreateTableOptions> {
  checkNames(options)
  const { ttl = true, waitSeconds } = options
  return { ttl, waitSeconds: waitSeconds === undefined ? 60 : seconds(waitSeconds, 'waitSeconds') }
}

/** The input of CreateTable: a table as lockrow needs it, on demand. */
export const newTable = (TableName: string) => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST' as const,
  AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S' as const,
  })),
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' as const },
    { AttributeName: 'sk', KeyType: 'RANGE' as const },
  ],
})

/** The input of UpdateTimeToLive. */
export const ttlOf = (TableName: string) => ({
  TableName,
  TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
})
