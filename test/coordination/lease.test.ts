import { describe, expect, it } from 'vitest'
import { LeaseClock, momentOf } from '../../src/coordination/lease.ts'
import { Machine } from '../setup/machine.ts'

describe('a lease', () => {
  it('begins before the request was sent', () => {
    const machine = new Machine(1e12)
    const sent = momentOf(machine)
    machine.pass(400)
    expect(new LeaseClock(machine, 1000, sent).leftMs).toBe(600)
  })

  it('ends by whichever clock is first, and ignores a backward step', () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 1000)
    machine.wall -= 60_000
    expect(lease.leftMs).toBe(1000)
    // Suspended: the monotonic clock stands still.
    machine.wall += 400
    expect(lease.leftMs).toBe(600)
    machine.pass(500)
    expect(lease.leftMs).toBe(100)
    machine.wall += 100
    expect(lease.isOver).toBe(true)
  })

  it('remembers a suspension when the wall clock steps back after it', () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 1000)
    machine.wall += 400
    expect(lease.leftMs).toBe(600)
    machine.wall -= 60_000
    expect(lease.leftMs).toBe(600)
    machine.wall += 300
    machine.pass(200)
    expect(lease.leftMs).toBe(100)
  })

  it('does not age by clocks that jitter', () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 10_000)
    for (let i = 0; i < 1000; i++) {
      machine.wall += i % 2 === 0 ? 1 : -1
      expect(lease.leftMs).toBeGreaterThanOrEqual(9999)
    }
  })

  it('stays over, whatever the clocks or a late reply say', () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 1000)
    const sent = momentOf(machine)
    machine.wall += 2000
    expect(lease.isOver).toBe(true)
    machine.wall -= 2000
    expect(lease.leftMs).toBe(0)
    expect(lease.grow(sent, 60_000)).toBe(false)
    expect(lease.leftMs).toBe(0)
  })

  it('only grows', () => {
    const machine = new Machine(1e12)
    const lease = new LeaseClock(machine, 1000)
    const early = momentOf(machine)
    machine.pass(500)
    expect(lease.grow(momentOf(machine), 1000)).toBe(true)
    expect(lease.leftMs).toBe(1000)
    expect(lease.grow(early, 1000)).toBe(true)
    expect(lease.leftMs).toBe(1000)
    lease.end()
    expect(lease.isOver).toBe(true)
  })
})
