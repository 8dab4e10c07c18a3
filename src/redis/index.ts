/**
 * The database in Redis or Valkey.
 *
 * @module lockrow/redis
 */

export type { IoRedisLike, NodeRedisLike, RedisClient } from './client.ts'
export { AtomicRedisDb, type AtomicRedisDbOptions } from './database.ts'
