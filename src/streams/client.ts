/** The requests of DynamoDB Streams that are made. `DynamoDBStreams` of `@aws-sdk/client-dynamodb-streams` has them. */
export interface StreamsClient {
  listStreams(
    input: { TableName: string; ExclusiveStartStreamArn?: string },
    options?: RequestOptions,
  ): Promise<{
    Streams?: { StreamArn?: string; StreamLabel?: string }[]
    LastEvaluatedStreamArn?: string
  }>
  describeStream(
    input: { StreamArn: string; ExclusiveStartShardId?: string },
    options?: RequestOptions,
  ): Promise<{
    StreamDescription?: {
      StreamStatus?: string
      Shards?: StreamShard[]
      LastEvaluatedShardId?: string
    }
  }>
  getShardIterator(
    input: {
      StreamArn: string
      ShardId: string
      ShardIteratorType: 'LATEST' | 'TRIM_HORIZON' | 'AFTER_SEQUENCE_NUMBER'
      SequenceNumber?: string
    },
    options?: RequestOptions,
  ): Promise<{ ShardIterator?: string }>
  getRecords(
    input: { ShardIterator: string },
    options?: RequestOptions,
  ): Promise<{ Records?: StreamRecord[]; NextShardIterator?: string }>
}

interface RequestOptions {
  abortSignal?: AbortSignal
}

/** A part of a stream. One that has ended has children, of its own partitions. */
export interface StreamShard {
  ShardId?: string
  ParentShardId?: string
  SequenceNumberRange?: { StartingSequenceNumber?: string; EndingSequenceNumber?: string }
}

/** What happened to a row, as far as it matters here. */
export interface StreamRecord {
  eventName?: string
  dynamodb?: {
    Keys?: Record<string, { S?: string }>
    NewImage?: Record<string, unknown>
    SequenceNumber?: string
  }
}

/** How an error of the service is called. */
export const nameOfError = (error: unknown): string =>
  typeof error === 'object' && error !== null ? String((error as { name?: unknown }).name) : ''

const throttles = new Set([
  'LimitExceededException',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
])

/** Too many readers or requests: they pass, and nobody else would do better. */
export const isThrottled = (error: unknown): boolean => throttles.has(nameOfError(error))
