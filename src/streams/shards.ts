import type { StreamShard, StreamsClient } from './client.ts'

/** The stream of a table that is on at the moment. */
export async function streamOf(
  client: StreamsClient,
  tableName: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found: { arn: string; label: string }[] = []
  let ExclusiveStartStreamArn: string | undefined
  do {
    const page = await client.listStreams(
      { TableName: tableName, ...(ExclusiveStartStreamArn && { ExclusiveStartStreamArn }) },
      { abortSignal: signal },
    )
    for (const { StreamArn, StreamLabel = '' } of page.Streams ?? [])
      if (StreamArn) found.push({ arn: StreamArn, label: StreamLabel })
    ExclusiveStartStreamArn = page.LastEvaluatedStreamArn
  } while (ExclusiveStartStreamArn)
  // One that was switched off is listed for a day; labels are times.
  return found.sort((a, b) => (a.label < b.label ? 1 : -1))[0]?.arn
}

/** All shards that the stream still has, parents before their children. */
export async function shardsOfStream(
  client: StreamsClient,
  streamArn: string,
  signal: AbortSignal,
): Promise<StreamShard[]> {
  const shards: StreamShard[] = []
  let after: string | undefined
  do {
    const { StreamDescription } = await client.describeStream(
      { StreamArn: streamArn, ...(after && { ExclusiveStartShardId: after }) },
      { abortSignal: signal },
    )
    shards.push(...(StreamDescription?.Shards ?? []))
    after = StreamDescription?.LastEvaluatedShardId
  } while (after)
  return shards
}

/** Whether nothing more is written to it. */
export const hasEnded = ({ SequenceNumberRange }: StreamShard): boolean =>
  SequenceNumberRange?.EndingSequenceNumber !== undefined
