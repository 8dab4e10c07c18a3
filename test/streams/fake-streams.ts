import type { StreamRecord, StreamShard, StreamsClient } from '../../src/streams/client.ts'

/** An error as the service names it. */
const serviceError = (name: string): Error => Object.assign(new Error(name), { name })

interface FakeShard {
  id: string
  parent?: string
  records: StreamRecord[]
  ended: boolean
}

type Method = 'listStreams' | 'describeStream' | 'getShardIterator' | 'getRecords'

/** A stream in memory: shards split and end, iterators expire, requests fail when they are told to. */
export class FakeStreams implements StreamsClient {
  readonly shards: FakeShard[] = []
  /** How often each method was asked. */
  readonly asked: Record<Method, number> = {
    listStreams: 0,
    describeStream: 0,
    getShardIterator: 0,
    getRecords: 0,
  }
  /** Which requests fail, and how. */
  fails: (method: Method) => string | undefined = () => undefined
  /** Iterators that were made before are not known any more. */
  generation = 0
  #count = 0

  constructor(...ids: string[]) {
    for (const id of ids) this.shards.push({ id, records: [], ended: false })
  }

  shard = (id: string): FakeShard => this.shards.find((one) => one.id === id)!

  add(
    id: string,
    pk: string,
    { eventName = 'INSERT', sk = `${++this.#count}`, image = {} as object } = {},
  ): void {
    this.shard(id).records.push({
      eventName,
      dynamodb: {
        Keys: { pk: { S: pk }, sk: { S: sk } },
        NewImage: { ...image },
        SequenceNumber: String(1000 + ++this.#count),
      },
    })
  }

  /** The shard ends; these are its children. */
  split(id: string, ...children: string[]): void {
    this.shard(id).ended = true
    for (const child of children) this.shards.push({ id: child, parent: id, records: [], ended: false })
  }

  #ask(method: Method, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    this.asked[method]++
    const name = this.fails(method)
    if (name) throw serviceError(name)
  }

  listStreams: StreamsClient['listStreams'] = async ({ ExclusiveStartStreamArn }, options) => {
    this.#ask('listStreams', options?.abortSignal)
    return ExclusiveStartStreamArn === undefined
      ? { Streams: [{ StreamArn: 'old', StreamLabel: '2025' }], LastEvaluatedStreamArn: 'old' }
      : { Streams: [{ StreamArn: 'now', StreamLabel: '2026' }] }
  }

  describeStream: StreamsClient['describeStream'] = async ({ StreamArn, ExclusiveStartShardId }, options) => {
    this.#ask('describeStream', options?.abortSignal)
    if (StreamArn !== 'now') throw serviceError('ResourceNotFoundException')
    const all = this.shards.map(
      ({ id, parent, ended }): StreamShard => ({
        ShardId: id,
        ...(parent && { ParentShardId: parent }),
        SequenceNumberRange: { StartingSequenceNumber: '1', ...(ended && { EndingSequenceNumber: '9' }) },
      }),
    )
    // One page holds two.
    const from = ExclusiveStartShardId
      ? all.findIndex(({ ShardId }) => ShardId === ExclusiveStartShardId) + 1
      : 0
    const Shards = all.slice(from, from + 2)
    const last = from + 2 < all.length ? Shards.at(-1)!.ShardId : undefined
    return {
      StreamDescription: { StreamStatus: 'ENABLED', Shards, ...(last && { LastEvaluatedShardId: last }) },
    }
  }

  getShardIterator: StreamsClient['getShardIterator'] = async (input, options) => {
    this.#ask('getShardIterator', options?.abortSignal)
    const { records } = this.shard(input.ShardId)
    const at = {
      LATEST: records.length,
      TRIM_HORIZON: 0,
      AFTER_SEQUENCE_NUMBER:
        records.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === input.SequenceNumber) + 1,
    }[input.ShardIteratorType]
    return { ShardIterator: JSON.stringify([input.ShardId, at, this.generation]) }
  }

  getRecords: StreamsClient['getRecords'] = async ({ ShardIterator }, options) => {
    this.#ask('getRecords', options?.abortSignal)
    const [id, at, generation] = JSON.parse(ShardIterator) as [string, number, number]
    if (generation !== this.generation) throw serviceError('ExpiredIteratorException')
    const { records, ended } = this.shard(id)
    return {
      Records: records.slice(at),
      ...(!ended && { NextShardIterator: JSON.stringify([id, records.length, this.generation]) }),
    }
  }
}
