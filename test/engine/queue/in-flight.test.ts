import { expect, test, vi } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import {
  arrived,
  departed,
  gaveBack,
  InFlight,
  inFlightOf,
  maxQueues,
} from '../../../src/engine/queue/in-flight.ts'
import { Places, placesOf } from '../../../src/engine/queue/places.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'

const never = Number.POSITIVE_INFINITY
const upTo = (frontier: string): InFlight => {
  const inFlight = new InFlight()
  inFlight.pass(frontier, false, 0)
  return inFlight
}

test('the frontier only moves on', () => {
  const inFlight = new InFlight()
  expect(inFlight.frontier).toBe(undefined)
  for (const sk of ['b', 'a', 'd', 'c']) inFlight.pass(sk, false, 0)
  expect(inFlight.frontier).toBe('d')
})

test('what this process holds before the frontier is taken out in order when it is due; what lies behind is read anyway', () => {
  const inFlight = upTo('m')
  inFlight.becomesDue('c', 100)
  inFlight.becomesDue('a', 200)
  inFlight.becomesDue('b', 150)
  inFlight.becomesDue('n', 150)
  expect([inFlight.nextDue, inFlight.hasOwnDue(99), inFlight.hasOwnDue(100)]).toEqual([100, false, true])
  expect(inFlight.takeOwnDue(99, 10)).toEqual([])
  expect(inFlight.takeOwnDue(150, 10)).toEqual(['b', 'c'])
  expect([inFlight.nextDue, inFlight.isOwn('b'), inFlight.isOwn('a'), inFlight.isOwn('n')]).toEqual([
    200,
    false,
    true,
    false,
  ])
  expect(inFlight.takeOwnDue(200, 10)).toEqual(['a'])
  expect(inFlight.nextDue).toBe(never)
})

test('no more are taken out than are wanted; the others stay due', () => {
  const inFlight = upTo('m')
  for (const [sk, due] of [
    ['a', 30],
    ['b', 10],
    ['c', 20],
  ] as const)
    inFlight.becomesDue(sk, due)
  expect(inFlight.takeOwnDue(50, 1)).toEqual(['a'])
  expect(inFlight.nextDue).toBe(10)
  expect(inFlight.takeOwnDue(50, 5)).toEqual(['b', 'c'])
})

test('the earliest may be of a message that is gone, until it is looked for', () => {
  const inFlight = upTo('m')
  inFlight.becomesDue('a', 10)
  inFlight.becomesDue('b', 20)
  expect(inFlight.departed('a')).toBe(false)
  expect(inFlight.nextDue).toBe(10)
  inFlight.findOwnDue()
  expect(inFlight.nextDue).toBe(20)
  inFlight.gaveBack('b', 99)
  inFlight.findOwnDue()
  expect(inFlight.nextDue).toBe(99)
})

test('a push before the frontier is its own; one behind it is found by reading', () => {
  const inFlight = upTo('m')
  inFlight.arrived('a', 5)
  inFlight.arrived('m', 6)
  inFlight.arrived('n', 1)
  expect([inFlight.isOwn('a'), inFlight.isOwn('m'), inFlight.isOwn('n'), inFlight.nextDue]).toEqual([
    true,
    true,
    false,
    5,
  ])
  const fresh = new InFlight()
  fresh.arrived('a', 5)
  expect(fresh.isOwn('a')).toBe(false)
})

test('10,000 are remembered; of the others only the earliest deadline is', () => {
  const inFlight = upTo('m')
  for (let i = 0; i < 10_000; i++) inFlight.becomesDue(`a${i}`, 100)
  inFlight.becomesDue('one too many', 50)
  expect([inFlight.isOwn('a9999'), inFlight.isOwn('one too many'), inFlight.nextDue]).toEqual([
    true,
    false,
    50,
  ])
  inFlight.becomesDue('a0', 40)
  expect(inFlight.hasOwnDue(40)).toBe(true)
})

test('there is nothing to read again before anything was read', () => {
  const inFlight = new InFlight()
  inFlight.planRescan(0, 0)
  expect([inFlight.beginRescan(0), inFlight.rescan.place]).toEqual([false, undefined])
  inFlight.pass('m', false, 0)
  inFlight.planRescan(0, 0)
  expect(inFlight.rescan.place).toBe('')
  // That one goes little by little; this one is urgent, and there is one of it at a time.
  expect([inFlight.beginRescan(0), inFlight.beginRescan(0)]).toEqual([true, false])
  inFlight.pass('n', true, 0)
  expect([inFlight.rescan.place, inFlight.frontier]).toEqual([undefined, 'n'])
})

test('the share of what can be given out follows what was read, and is at least a sixteenth', () => {
  const inFlight = new InFlight()
  expect(inFlight.readyShare).toBe(1)
  inFlight.noteRead(0, 0)
  expect(inFlight.readyShare).toBe(1)
  inFlight.noteRead(10, 5)
  expect(inFlight.readyShare).toBeCloseTo(0.7 + 0.15, 10)
  for (let i = 0; i < 50; i++) inFlight.noteRead(10, 0)
  expect(inFlight.readyShare).toBe(1 / 16)
})

test('the window doubles with claims that fail, up to 64, and shrinks with those that succeed', () => {
  const inFlight = new InFlight()
  expect([inFlight.window, inFlight.isCalm]).toEqual([1, false])
  inFlight.claimsFailed(0)
  expect([inFlight.window, inFlight.isCalm]).toEqual([1, true])
  inFlight.claimsFailed(1)
  expect([inFlight.window, inFlight.isCalm]).toEqual([2, false])
  inFlight.claimsFailed(0.5)
  expect(inFlight.window).toBeCloseTo(2 * 1.5 - 0.2, 10)
  for (let i = 0; i < 10; i++) inFlight.claimsFailed(1)
  expect(inFlight.window).toBe(64)
  inFlight.claimsFailed(0)
  expect(inFlight.window).toBeCloseTo(63.6, 10)
})

test('a message is being claimed until the claim ends, however it does', async () => {
  const inFlight = new InFlight()
  const claim = inFlight.whileClaiming('a', async () => {
    expect([inFlight.isClaiming('a'), inFlight.isClaiming('b'), inFlight.claimingCount]).toEqual([
      true,
      false,
      1,
    ])
    throw new Error('refused')
  })
  await expect(claim).rejects.toThrow('refused')
  expect([inFlight.isClaiming('a'), inFlight.claimingCount]).toEqual([false, 0])
  expect(await inFlight.whileClaiming('a', async () => 7)).toBe(7)
})

test('the groups of a strict queue hear of what changes', () => {
  const inFlight = upTo('a')
  const { groups } = inFlight
  expect(inFlight.groups).toBe(groups)
  groups.update({ pk: 'q', sk: 'm', n: 0, g: 'g' }, 0)
  inFlight.gaveBack('m', 77)
  expect(groups.of('g')).toMatchObject([{ sk: 'm', due: 77, received: true, ours: true }])
  expect(inFlight.departed('m')).toBe(true)
  expect(groups.of('g')).toEqual([])
})

const contextOf = () => newContext(new MemoryStorage(systemRuntime), {})

test('each queue of each database is remembered apart', () => {
  const [one, other] = [contextOf(), contextOf()]
  const inFlight = inFlightOf(one, 'q')
  expect(inFlightOf({ ...one }, 'q')).toBe(inFlight)
  expect(inFlightOf(one, 'p')).not.toBe(inFlight)
  expect(inFlightOf(other, 'q')).not.toBe(inFlight)
})

test('the queue that was first asked for longest ago is forgotten first', () => {
  const context = contextOf()
  const first = inFlightOf(context, 'q0')
  for (let i = 1; i < maxQueues; i++) inFlightOf(context, `q${i}`)
  expect(inFlightOf(context, 'q0')).toBe(first)
  const second = inFlightOf(context, 'q1')
  inFlightOf(context, 'one more')
  expect(inFlightOf(context, 'q1')).toBe(second)
  expect(inFlightOf(context, 'q0')).not.toBe(first)
})

test('pushes, returns and removals reach the queue, and the place of its shard', () => {
  const context = contextOf()
  const inFlight = inFlightOf(context, 'jobs#shard3')
  inFlight.pass('m', false, 0)
  const places = placesOf(context, 'jobs#work', () => new Places('jobs', false, 0))
  arrived(context, { pk: 'jobs#shard3', sk: 'a' })
  expect(inFlight.hasOwnDue(0)).toBe(true)
  expect(places.get('jobs#shard3')!.isAwake).toBe(true)
  const due = Date.now() + 60_000
  arrived(context, { pk: 'jobs#shard4', sk: 'a', due })
  expect(places.get('jobs#shard4')).toMatchObject({ isAwake: false, nextDue: due })
  gaveBack(context, { pk: 'jobs#shard4', sk: 'a' }, 5)
  expect(places.get('jobs#shard4')!.nextDue).toBe(5)
  expect(inFlightOf(context, 'jobs#shard4').isOwn('a')).toBe(true)
  void inFlight.groups
  const expected = vi.spyOn(places.get('jobs#shard3')!, 'expect')
  departed(context, { pk: 'jobs#shard3', sk: 'a' })
  expect(inFlight.isOwn('a')).toBe(false)
  // The next one of its group may come now.
  expect(expected).toHaveBeenCalledWith(0)
  departed(context, { pk: 'unheard of', sk: 'a' })
})
