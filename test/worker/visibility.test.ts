import { type AtomicDbQueueItem, AtomicMemoryDb, StaleReceipt, Throttled } from 'lockrow'
import { expect, test } from 'vitest'
import { momentOf } from '../../src/coordination/lease.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import type { QueueWorkerEvent } from '../../src/worker/events.ts'
import { keepVisible, leaseOfPulled } from '../../src/worker/visibility.ts'
import { Machine } from '../setup/machine.ts'

const item = (more: Partial<AtomicDbQueueItem>): AtomicDbQueueItem =>
  ({ pk: 'jobs', sk: 'm', data: 1, receiveCount: 1, ...more }) as AtomicDbQueueItem

test('a message is ours from when its claim was sent', () => {
  const machine = new Machine(1e12)
  const begun = momentOf(machine)
  machine.pass(300)
  const claimedAt = machine.wall
  machine.pass(200)
  const pulled = item({ processingTimeout: claimedAt + 10_000 })
  expect(leaseOfPulled(machine, pulled, 10, begun).leftMs).toBe(9800)
})

test('a wall clock that was set back during the pull makes it no longer; one that was set forth makes it shorter', () => {
  const back = new Machine(1e12)
  const begun = momentOf(back)
  const pulled = item({ processingTimeout: back.wall + 10_000 })
  back.pass(100)
  back.wall -= 5000
  expect(leaseOfPulled(back, pulled, 10, begun).leftMs).toBe(10_000 - 5000)
  const forth = new Machine(1e12)
  const since = momentOf(forth)
  forth.wall += 4000
  expect(leaseOfPulled(forth, pulled, 10, since).leftMs).toBe(6000)
})

test('a claim that seems to be of the future lasts no longer than it was made for', () => {
  const machine = new Machine(1e12)
  const pulled = item({ processingTimeout: machine.wall + 60_000 })
  expect(leaseOfPulled(machine, pulled, 10, momentOf(machine)).leftMs).toBe(10_000)
})

test('without a deadline it is over', () => {
  const machine = new Machine(1e12)
  expect(leaseOfPulled(machine, item({}), 10, momentOf(machine)).isOver).toBe(true)
})

/** Keeps a pulled message in simulated time. */
async function keeping(
  work: (all: {
    world: Simulation
    db: AtomicMemoryDb
    extended: number[]
    events: QueueWorkerEvent[]
    pulled: AtomicDbQueueItem
    lost: AbortController
    sleep: (ms: number) => Promise<void>
    fail: (error: Error | undefined) => void
  }) => Promise<void>,
): Promise<void> {
  const world = new Simulation({ seed: 3 })
  const process = world.process()
  const db = new AtomicMemoryDb({ runtime: process })
  const extended: number[] = []
  const events: QueueWorkerEvent[] = []
  let failure: Error | undefined
  const extend = db.queueExtend.bind(db)
  db.queueExtend = (async (...args: Parameters<typeof extend>) => {
    extended.push(Math.round(world.time))
    if (failure) throw failure
    return extend(...args)
  }) as typeof extend
  await world.run(async () => {
    await db.queuePush({ pk: 'jobs', data: 1 })
    const begun = momentOf(process)
    const { item: pulled } = await db.queuePull({ pk: 'jobs', ttlSeconds: 10 })
    const lease = leaseOfPulled(process, pulled!, 10, begun)
    const [lost, over] = [new AbortController(), new AbortController()]
    const options = {
      pk: 'jobs',
      visibilitySeconds: 10,
      onEvent: (event: QueueWorkerEvent) => events.push(event),
    }
    const kept = keepVisible(db, pulled!, lease, options, lost, over.signal)
    const fail = (error: Error | undefined) => {
      failure = error
    }
    await work({ world, db, extended, events, pulled: pulled!, lost, sleep: (ms) => process.sleep(ms), fail })
    over.abort()
    await kept
  })
}

test('it is extended at half of its time, for the same time again', () =>
  keeping(async ({ db, extended, lost, sleep }) => {
    await sleep(16_000)
    expect(extended.map((at) => Math.round(at / 1000))).toEqual([5, 10, 15])
    expect(lost.signal.aborted).toBe(false)
    expect((await db.queuePull({ pk: 'jobs' })).item).toBe(undefined)
  }))

test('whoever has another receipt has lost it at once', () =>
  keeping(async ({ lost, sleep, fail }) => {
    const stale = new StaleReceipt('another')
    fail(stale)
    await sleep(6000)
    expect(lost.signal.reason).toBe(stale)
  }))

test('a failure is told and tried again; when the time is over the message is lost, for this reason', () =>
  keeping(async ({ events, extended, lost, pulled, sleep, fail }) => {
    const throttled = new Throttled('too much')
    fail(throttled)
    await sleep(9900)
    expect(lost.signal.aborted).toBe(false)
    await sleep(200)
    expect(lost.signal.reason).toBeInstanceOf(StaleReceipt)
    expect(lost.signal.reason).toMatchObject({ cause: throttled, keys: [{ pk: 'jobs', sk: pulled.sk }] })
    expect(extended.length).toBeGreaterThan(3)
    expect(events).toEqual(extended.map(() => ({ type: 'error', error: throttled })))
  }))

test('one extension that gets through is enough', () =>
  keeping(async ({ lost, sleep, fail }) => {
    fail(new Throttled('too much'))
    await sleep(8000)
    fail(undefined)
    await sleep(12_000)
    expect(lost.signal.aborted).toBe(false)
  }))
