import { BackendError } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { checkInfo } from '../../src/redis/check-server.ts'

const info = (fields: object) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')

describe('what a server says about itself', () => {
  test.each([
    {},
    { redis_version: '6.2.0' },
    { redis_version: '7.0.15', maxmemory: 0, maxmemory_policy: 'allkeys-lru' },
    { redis_version: '8.0.0', maxmemory: 1000, maxmemory_policy: 'noeviction' },
  ])('%j will do', (fields) => {
    expect(() => checkInfo(info(fields), '{x}')).not.toThrow()
  })

  test.each(['5.0.14', '6.0.20', '2.8.9'])('Redis %s is too old', (version) => {
    expect(() => checkInfo(info({ redis_version: version }), '{x}')).toThrow(/Redis 6\.2, Valkey 7\.2/)
  })

  test('a server that throws locks away is refused', () => {
    const fields = { redis_version: '7.0.0', maxmemory: 1000, maxmemory_policy: 'volatile-lru' }
    expect(() => checkInfo(info(fields), '{x}')).toThrow(BackendError)
    expect(() => checkInfo(info(fields), '{x}')).toThrow(/noeviction/)
  })
})
