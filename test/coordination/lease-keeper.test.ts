import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { LeaseClock, momentOf } from '../../src/coordination/lease.ts'
import { keep } from '../../src/coordination/lease-keeper.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { Machine } from '../setup/machine.ts'

describe('keeping a lease', () => {
  const kept = (extend: (at: number) => 'ok' | 'fail' | 'lost' | 'hang') => {
    const world = new Simulation({ seed: 1 })
    const runtime = world.process()
    const lease = new LeaseClock(runtime, 3000)
    const lost = new AbortController()
    const done = new AbortController()
    const said: string[] = []
    const running = keep({
      runtime,
      lease,
      everyMs: 1000,
      async extend() {
        const sent = momentOf(runtime)
        const how = extend(world.time)
        said.push(`${how} at ${Math.round(world.time)}`)
        if (how === 'hang') await runtime.sleep(60_000)
        if (how === 'fail' || how === 'lost') throw new Error(how)
        lease.grow(sent, 3000)
      },
      isLost: (error) => (error as Error).message === 'lost',
      overdue: (cause) => new Error('overdue', { cause }),
      lost,
      done: done.signal,
      warning: { beforeMs: 800, warn: (left) => said.push(`${Math.round(left)} left`) },
    })
    return { world, lost, done, said, running, runtime }
  }

  it('extends until it is done', async () => {
    const { world, done, said, running, runtime, lost } = kept(() => 'ok')
    await world.run(async () => {
      await runtime.sleep(3500)
      done.abort()
      await running
    })
    expect(said).toEqual(['ok at 1000', 'ok at 2000', 'ok at 3000'])
    expect(lost.signal.aborted).toBe(false)
  })

  it('tries again after a failure, warns before the end, and tells the last failure as the cause', async () => {
    const { world, said, running, lost } = kept(() => 'fail')
    await world.run(() => running)
    expect(world.time).toBeCloseTo(3000, -1)
    expect(said.filter((one) => one.startsWith('fail')).length).toBeGreaterThan(5)
    expect(said).toContain('800 left')
    expect(lost.signal.reason).toMatchObject({ message: 'overdue', cause: { message: 'fail' } })
  })

  it('does not wait for an extension that hangs', async () => {
    const { world, said, running, lost } = kept(() => 'hang')
    await world.run(() => running)
    expect(world.time).toBeCloseTo(3000, -1)
    expect(said).toEqual(['hang at 1000', '800 left'])
    expect(lost.signal.reason).toMatchObject({ message: 'overdue' })
  })

  it('ends at once when it was taken away', async () => {
    const { world, running, lost } = kept(() => 'lost')
    await world.run(() => running)
    expect(world.time).toBeCloseTo(1000, -1)
    expect(lost.signal.reason).toMatchObject({ message: 'lost' })
  })

  it('notices within a second that the machine was suspended', async () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 3_600_000)
    const lost = new AbortController()
    let looks = 0
    machine.sleep = async (ms) => {
      machine.pass(ms)
      if (++looks === 3) machine.wall += 7_200_000
    }
    await keep({
      runtime: machine,
      lease,
      everyMs: 1_200_000,
      extend: async () => {},
      isLost: () => false,
      overdue: () => new Error('overdue'),
      lost,
      done: new AbortController().signal,
    })
    expect(lost.signal.aborted).toBe(true)
    expect(looks).toBe(3)
    expect(machine.mono).toBe(3000)
  })
})

it('keeps one listener on the signal of its end, however long it keeps', async () => {
  const machine = new Machine(1e12)
  const lease = new LeaseClock(machine, 60_000)
  const done = new AbortController()
  const counts: number[] = []
  machine.sleep = async (ms) => {
    machine.pass(ms)
    counts.push(getEventListeners(done.signal, 'abort').length)
    if (counts.length === 30) done.abort()
  }
  await keep({
    runtime: machine,
    lease,
    everyMs: 1e9,
    extend: async () => {},
    isLost: () => false,
    overdue: () => new Error('overdue'),
    lost: new AbortController(),
    done: done.signal,
  })
  expect(counts).toHaveLength(30)
  expect(Math.max(...counts)).toBe(1)
})
