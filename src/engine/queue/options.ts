/** The options of each method of the queue. Others are refused. */

const call = ['signal', 'timeoutMs'] as const

export const callOptions = call

/** Also what a pulled message has, so that one can be pushed again as it is. */
export const itemFields = [
  'pk',
  'sk',
  'data',
  'ttl',
  'delaySeconds',
  'group',
  'deduplicationId',
  'receipt',
  'payloadKey',
  'isProcessing',
  'processingTimeout',
  'receiveCount',
  'enqueuedAt',
  'firstReceivedAt',
  'reason',
  'deadLetter',
] as const

export const pushOptions = [
  ...call,
  'delaySeconds',
  'deduplicationWindowSeconds',
  'exactlyOnce',
  'shards',
  'payloadThreshold',
] as const

export const pullOptions = [
  ...call,
  'pk',
  'ttlSeconds',
  'strict',
  'group',
  'maxReceives',
  'deadLetter',
  'shards',
] as const

export const pullManyOptions = [...pullOptions, 'limit'] as const
export const releaseOptions = [...call, 'delaySeconds', 'reason', 'uncounted', 'deadLetter'] as const
export const extendOptions = [...call, 'ttlSeconds'] as const
export const statsOptions = [...call, 'shards', 'deadLetter'] as const
export const peekOptions = [...call, 'pk', 'limit', 'after', 'shards'] as const
export const purgeOptions = [...call, 'limit', 'shards'] as const
export const redriveOptions = [...call, 'from', 'to', 'limit', 'shards'] as const
