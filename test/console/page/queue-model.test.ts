import { describe, expect, it } from 'vitest'
import { arrivals, matching, merged, stateOf } from '../../../src/console/page/queue-model.ts'
import type { Message } from '../../../src/console/page/types.ts'

const message = (sk: string, more: Partial<Message> = {}): Message => ({
  pk: 'q',
  sk,
  isProcessing: false,
  receiveCount: 0,
  enqueuedAt: 0,
  ...more,
})
const keys = (list: readonly Message[]) => list.map(({ sk }) => sk)

describe('messages of a queue, as the page knows them', () => {
  it('the state follows the time, without another read', () => {
    const held = message('a', { isProcessing: true, processingTimeout: 10 })
    expect([5, 15].map((now) => stateOf(held, now))).toEqual(['in flight', 'ready'])
    expect([5, 15].map((now) => stateOf(message('b', { dueAt: 10 }), now))).toEqual(['delayed', 'ready'])
    expect(stateOf(message('c', { deadLetter: { from: 'q', reason: 'r', at: 1, receives: 2 } }), 5)).toBe(
      'dead',
    )
  })

  it('a filter looks into payload, key, group and reasons', () => {
    const all = [
      message('k1', { json: '{"name":"Ann"}' }),
      message('k2', { group: 'g1', reason: 'ann is away' }),
      message('k3', { dueAt: 99, deadLetter: { from: 'q', reason: 'ANN', at: 1, receives: 2 } }),
      message('k4'),
    ]
    const find = (text: string, state = '', group = '') => keys(matching(all, { text, state, group }, 5))
    expect(find('ann')).toEqual(['k1', 'k2', 'k3'])
    expect(find('k4')).toEqual(['k4'])
    expect(find('', 'delayed')).toEqual(['k3'])
    expect(find('ann', '', 'g1')).toEqual(['k2'])
    expect(find('')).toHaveLength(4)
  })

  it('a refreshed first page takes the place of what it covers', () => {
    const old = ['a', 'b', 'c', 'd'].map((sk) => message(sk))
    expect(keys(merged(old, [message('b'), message('c2')], false))).toEqual(['b', 'c2', 'd'])
    expect(keys(merged(old, [message('b')], true))).toEqual(['b'])
    expect(merged(old, [], true)).toEqual([])
  })

  it('arrivals are counted in equal parts of their time', () => {
    const { counts, slotMs } = arrivals(
      [10, 11, 19].map((enqueuedAt) => message('x', { enqueuedAt })),
      2,
    )
    expect({ counts, slotMs }).toEqual({ counts: [2, 1], slotMs: 5 })
    expect(arrivals([]).slotMs).toBe(0)
  })
})
