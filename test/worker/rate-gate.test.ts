import type { RateLimiter } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { RateGate } from '../../src/worker/rate-gate.ts'
import { Machine } from '../setup/machine.ts'

type Answer = { allowed: boolean; retryAfterMs: number } | Error

/** A gate whose limit gives these answers, one after the other, and which waits in no time. */
function setUp(...answers: Answer[]) {
  const machine = new Machine(1e12)
  machine.random = () => 0.5
  const [sleeps, errors]: [number[], unknown[]] = [[], []]
  const pass = machine.sleep
  machine.sleep = (ms, options) => {
    sleeps.push(ms)
    return pass(ms, options)
  }
  const takes: number[] = []
  const limiter = {
    take: async () => {
      takes.push(machine.mono)
      const answer = answers.shift() ?? { allowed: true, retryAfterMs: 0 }
      if (answer instanceof Error) throw answer
      return answer
    },
  } as unknown as RateLimiter
  const gate = new RateGate(machine, limiter, (error) => errors.push(error))
  const { signal } = new AbortController()
  return { machine, gate, sleeps, errors, takes, signal, answers }
}
const denied = (retryAfterMs: number) => ({ allowed: false, retryAfterMs })

describe('a gate', () => {
  test('spreads waits over more each time, up to two seconds beside what the limit asks for', async () => {
    const { gate, sleeps, takes, signal } = setUp(...Array.from({ length: 4 }, () => denied(200)))
    await gate.pass(signal)
    expect(sleeps).toEqual([200 + 200, 200 + 400, 200 + 800, 200 + 1000])
    expect(takes).toEqual([0, 400, 1000, 2000, 3200])
  })

  test('doubles ten times at most', async () => {
    const { gate, sleeps, signal } = setUp(...Array.from({ length: 12 }, () => denied(1)))
    await gate.pass(signal)
    expect(sleeps.slice(8)).toEqual([1 + 256, 1 + 512, 1 + 512, 1 + 512])
  })

  test('gives a message back where its turn takes longer than five seconds, and asks nothing meanwhile', async () => {
    const { gate, machine, sleeps, takes, signal } = setUp(denied(4001))
    await expect(gate.pass(signal)).rejects.toMatchObject({
      code: 'NotNow',
      message: 'the rate of the queue is reached',
    })
    expect(sleeps).toEqual([])
    await expect(gate.pass(signal)).rejects.toMatchObject({ code: 'NotNow' })
    expect(takes).toEqual([0])
    expect(await gate.open(signal, 5000)).toBe(false)
    machine.pass(1)
    await gate.pass(signal)
    expect(takes).toEqual([0, 1])
  })

  test('waits for exactly five seconds', async () => {
    const { gate, sleeps, signal } = setUp(denied(4000))
    await gate.pass(signal)
    expect(sleeps).toEqual([5000])
  })

  test('tells of a request that failed, and asks again a second later', async () => {
    const { gate, sleeps, errors, signal } = setUp(new Error('away'))
    await gate.pass(signal)
    expect(errors).toEqual([new Error('away')])
    expect(sleeps).toEqual([1000 + 1000])
  })

  test('is open, or waited for as long as it may take, or not at all', async () => {
    const { gate, sleeps, signal } = setUp(denied(4001))
    expect(await gate.open(signal, 0)).toBe(true)
    await gate.pass(signal).catch(() => {})
    expect(await gate.open(signal, 5000)).toBe(false)
    expect(await gate.open(AbortSignal.abort(), 5001)).toBe(false)
    expect(await gate.open(signal, 5001)).toBe(true)
    expect(sleeps.at(-1)).toBe(5001)
  })

  test('lets one ask at a time; one that is aborted in the line leaves it, and holds nobody up', async () => {
    const { gate, takes, signal, machine } = setUp(denied(100), new Error('away'))
    const leaving = new AbortController()
    const first = gate.pass(signal)
    const second = gate.pass(leaving.signal)
    const third = gate.pass(signal)
    leaving.abort(new Error('left'))
    await expect(second).rejects.toThrow('left')
    await Promise.all([first, third])
    // The third one asks only when the first one has passed, 200 and 2000 ms later.
    expect(takes).toEqual([0, 200, 2200, 2200])
    expect(machine.mono).toBe(2200)
  })
})
