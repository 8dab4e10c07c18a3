import { type DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import {
  type AttributeValue,
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams'
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'

/** Switches the stream of a table on, with images. Returns its ARN. */
export async function switchStreamOn(client: DynamoDBClient, TableName: string): Promise<string> {
  const { TableDescription } = await client.send(
    new UpdateTableCommand({
      TableName,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  )
  return TableDescription!.LatestStreamArn!
}

/** All records of the stream so far, in the form in which Lambda hands them over. */
export async function streamEventOf(endpoint: string, StreamArn: string): Promise<DynamoDBStreamEvent> {
  const client = new DynamoDBStreamsClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  try {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn }))
    const records: StreamRecord[] = []
    for (const { ShardId } of StreamDescription?.Shards ?? []) {
      const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
      const { ShardIterator } = await client.send(new GetShardIteratorCommand(start))
      let next = ShardIterator
      for (let page = 0; next !== undefined && page < 20; page++) {
        const { Records = [], NextShardIterator } = await client.send(
          new GetRecordsCommand({ ShardIterator: next }),
        )
        if (Records.length === 0 && page > 0) break
        records.push(...Records)
        next = NextShardIterator
      }
    }
    return { Records: records.map(asInLambda) }
  } finally {
    client.destroy()
  }
}

/** Lambda writes times as seconds and bytes as Base64; the rest is the same JSON. */
function asInLambda(record: StreamRecord): DynamoDBRecord {
  const { ApproximateCreationDateTime: at, Keys, NewImage, OldImage, ...others } = record.dynamodb ?? {}
  const image = (values: Record<string, AttributeValue> | undefined) =>
    values &&
    (JSON.parse(JSON.stringify(values, base64)) as NonNullable<DynamoDBRecord['dynamodb']>['NewImage'])
  return {
    ...(record as object),
    eventName: record.eventName!,
    dynamodb: {
      ...others,
      ApproximateCreationDateTime: Math.floor(at!.getTime() / 1000),
      Keys: image(Keys),
      ...(NewImage && { NewImage: image(NewImage) }),
      ...(OldImage && { OldImage: image(OldImage) }),
    },
  }
}

function base64(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  // A Uint8Array that JSON saw first.
  const buffer = value as { type?: unknown; data?: unknown } | null
  return buffer?.type === 'Buffer' && Array.isArray(buffer.data)
    ? Buffer.from(buffer.data as number[]).toString('base64')
    : value
}
