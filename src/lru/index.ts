export { AtomicLRUCache, type CacheStats } from './cache.ts'
export type { AtomicLRUCacheOptions } from './options.ts'
