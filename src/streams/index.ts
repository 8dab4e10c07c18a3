/**
 * Workers that are woken by the stream of the table.
 *
 * @module lockrow/streams
 */

export type { StreamRecord, StreamShard, StreamsClient } from './client.ts'
export { type StreamsEvent, type StreamsWakeUpOptions, streamsWakeUp } from './streams-wake-up.ts'
