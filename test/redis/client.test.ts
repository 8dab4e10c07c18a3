import { BackendError, InvalidInput } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { linkOf, type RedisClient } from '../../src/redis/client.ts'

const sent: unknown[][] = []
const send = async (...values: unknown[]) => {
  sent.push(values)
  return 'OK'
}
const on = () => {}
const node = (more: object) => ({ sendCommand: send, isOpen: true, on, ...more }) as unknown as RedisClient
const io = (options: object, more: object = {}) =>
  ({ call: send, connect: send, status: 'ready', on, options, ...more }) as unknown as RedisClient

describe('clients', () => {
  test.each([null, undefined, {}, 'redis://127.0.0.1', { sendCommand: send }])('%j is none', (client) => {
    expect(() => linkOf(client as never)).toThrow(InvalidInput)
  })

  test('one that sends writes again is refused', () => {
    expect(() => linkOf(io({ autoResendUnfulfilledCommands: true }))).toThrow(
      /autoResendUnfulfilledCommands: false/,
    )
    expect(() => linkOf(io({}))).toThrow(InvalidInput)
    expect(linkOf(io({ autoResendUnfulfilledCommands: false })).isSingle).toBe(true)
    const cluster = { isCluster: true }
    expect(() => linkOf(io({ retryDelayOnFailover: 100, scaleReads: 'master' }, cluster))).toThrow(
      /retryDelayOnFailover: 0/,
    )
    expect(() => linkOf(io({ retryDelayOnFailover: 0, scaleReads: 'slave' }, cluster))).toThrow(/scaleReads/)
    expect(linkOf(io({ retryDelayOnFailover: 0, scaleReads: 'master' }, cluster)).isSingle).toBe(false)
  })

  test('each kind gets a command as it takes it', async () => {
    sent.length = 0
    const options = { typeMapping: {} }
    await linkOf(node({})).send(['GET', 'a'], '{k}')
    await linkOf(node({ nodeClient: send })).send(['GET', 'a'], '{k}')
    await linkOf(node({ getSentinelNode: send })).send(['GET', 'a'], '{k}')
    await linkOf(io({ autoResendUnfulfilledCommands: false })).send(['GET', 'a'], '{k}')
    expect(sent).toEqual([
      [['GET', 'a'], options],
      ['{k}', false, ['GET', 'a'], options],
      [false, ['GET', 'a'], options],
      ['GET', 'a'],
    ])
  })

  test('whether a command would leave', () => {
    expect(() => linkOf(node({ isOpen: false })).isReady()).toThrow(BackendError)
    expect(linkOf(node({ isReady: false })).isReady()).toBe(false)
    expect(linkOf(node({ isReady: true })).isReady()).toBe(true)
    const options = { autoResendUnfulfilledCommands: false }
    expect(linkOf(io(options, { status: 'wait' })).isReady()).toBe(false)
    expect(() => linkOf(io(options, { status: 'end' })).isReady()).toThrow(BackendError)
  })
})
