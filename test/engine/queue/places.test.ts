import { describe, expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import {
  arrivedAt,
  expectedAt,
  momentsOf,
  Place,
  Places,
  placesOf,
} from '../../../src/engine/queue/places.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const never = Number.POSITIVE_INFINITY
const relied = 300_000
const moments = (monotonic = 0, now = 1e12, random = 0.5) => ({ monotonic, now, random: () => random })
const mostMs = 3700
const minutes = (count: number) => count * 60_000

describe('a place', () => {
  /** One that was looked at just now. */
  function looked({ at = 0, due = never } = {}): Place {
    const place = new Place('q', 0, relied, 0)
    place.wasEmpty(at, due)
    return place
  }

  test('is looked at at once when nobody has', () => {
    expect(new Place('q', 0, relied, 0).waits(0, 0, mostMs)).toBe(-never)
  })

  test('is looked at after half of the time for which it has been quiet, from a tenth of a second on', () => {
    expect(looked({ at: 0 }).waits(0, 0, mostMs)).toBe(100)
    expect(looked({ at: 50 }).waits(100, 0, mostMs)).toBe(100 - 50)
    expect(looked({ at: 1000 }).waits(1000, 0, mostMs)).toBe(500)
    expect(looked({ at: 20_000 }).waits(20_000, 0, mostMs)).toBe(3700)
    expect(looked({ at: 20_000 }).waits(20_000, 0, 60)).toBe(100)
  })

  test('is active again when it gave something, or its pointer was raised', () => {
    const place = looked({ at: 10_000 })
    place.gave(10_000, false, never)
    expect([place.isAwake, place.waits(10_400, 0, mostMs)]).toEqual([false, 200 - 400])
    place.gave(10_400, true, never)
    expect(place.isAwake).toBe(true)
    place.wasEmpty(10_400, never)
    expect(place.isAwake).toBe(false)
    place.raised(1, 20_000, relied, 0)
    expect(place.waits(20_000, 0, mostMs)).toBe(-never)
    place.wasEmpty(20_000, never)
    expect(place.waits(20_000, 0, mostMs)).toBe(100)
  })

  test('is looked at when the next of what lies there is due', () => {
    const place = looked({ due: 1_000_050 })
    expect(place.waits(0, 1_000_000, mostMs)).toBe(50)
    place.expect(1_000_020)
    place.expect(1_000_090)
    expect([place.nextDue, place.waits(0, 1_000_000, mostMs)]).toEqual([1_000_020, 20])
    place.wasEmpty(0, never)
    expect(place.nextDue).toBe(never)
  })

  test('that nobody relies on is looked at every minute once nothing keeps its pointer, else every five', () => {
    const place = looked({ at: relied })
    expect(place.waits(relied - 1, 0, mostMs)).toBe(3700 + 1)
    expect(place.waits(relied, 0, mostMs)).toBe(60_000)
    // Raised for no longer than this, and over since then.
    place.raised(1e12, 0, 0, 1e12)
    place.wasEmpty(relied, never)
    expect(place.waits(relied, 1e12, mostMs)).toBe(300_000)
    expect(place.waits(relied, 1e12 + minutes(10), mostMs)).toBe(60_000)
    expect(place.collectable(1e12)).toBe(undefined)
    expect(place.collectable(1e12 + minutes(10))).toBe(1e12)
    expect(looked().collectable(1e15)).toBe(undefined)
  })

  test('with something due later is looked at by an eighth of the time until then, at most every half minute', () => {
    const now = 1e12
    const at = (due: number) => looked({ at: relied, due: now + due }).waits(relied, now, mostMs)
    expect(at(80_000)).toBe(10_000)
    expect(at(minutes(60))).toBe(30_000)
    expect(at(8000)).toBe(3700)
  })

  test('raised for longer than usual is relied on for longer', () => {
    const now = 1e12
    const place = looked()
    // Its last ten minutes are not relied on; 15 s more for clocks and requests.
    place.raised(now + 600_000 + 400_000, 0, relied, now)
    place.wasEmpty(414_999, never)
    expect(place.waits(414_999, now, mostMs)).toBe(3700)
    expect(place.waits(415_000, now, mostMs)).toBe(300_000 - 1)
  })
})

describe('the places of a queue', () => {
  test('are relied on for the time of their kind, and a little longer', () => {
    const places = new Places('mail-', true, relied)
    places.arrived('a', 1e12 + 5e6, moments())
    const place = places.get('a')!
    place.wasEmpty(relied + 14_999, never)
    expect(place.waits(relied + 14_999, 0, mostMs)).toBe(3700)
    expect(place.waits(relied + 15_000, 0, mostMs)).toBe(60_000 - 1)
  })

  test('are due at the very moment, and after 3.7 s at the latest', () => {
    const places = new Places('mail-', true, relied)
    places.arrived('a', 1e12 + 5e6, moments())
    const place = places.get('a')!
    place.wasEmpty(100_000, never)
    expect([places.due(103_699, 0), places.due(103_700, 0)]).toEqual([[], [place]])
    place.gave(103_700, true, 77)
    expect([place.nextDue, places.due(999_999, 1e12)]).toEqual([77, []])
  })

  const pointer = (name: string | number, until: unknown) => ({ pk: 'jobs#work', sk: `p#${name}`, until })

  test('are what has a pointer; other rows are none', () => {
    const shards = new Places('jobs', false, relied)
    shards.noteAll(
      [pointer(3, 5), pointer(4, undefined), { pk: 'jobs#work', sk: 'control', until: 7 }],
      9,
      moments(),
    )
    expect([shards.size, shards.get('jobs#shard3')?.until, shards.readAt]).toEqual([1, 5, 9])
    expect(shards.pointerOf(shards.get('jobs#shard3')!)).toEqual({ pk: 'jobs#work', sk: 'p#3' })
    const family = new Places('mail-', true, relied)
    family.noteAll([pointer('mail-a', 5)], 0, moments())
    expect(family.pointerOf(family.get('mail-a')!)).toEqual({ pk: 'mail-#work', sk: 'p#mail-a' })
  })

  test('one whose pointer is as it was is not looked at again for that; one that was raised is', () => {
    const places = new Places('jobs', false, relied)
    places.noteAll([pointer(1, 5)], 0, moments())
    const place = places.get('jobs#shard1')!
    place.wasEmpty(0, never)
    places.noteAll([pointer(1, 5)], 0, moments())
    expect(places.due(0, 1e12)).toEqual([])
    places.noteAll([pointer(1, 6)], 0, moments())
    expect(places.due(0, 1e12)).toEqual([place])
  })

  test('one without a pointer is forgotten, unless something is there', () => {
    const places = new Places('jobs', false, relied)
    places.noteAll([pointer(1, 5), pointer(2, 5)], 0, moments())
    places.arrived('jobs#shard2', 0, moments())
    places.noteAll([], 1, moments())
    expect([places.size, places.get('jobs#shard2')!.isAwake]).toEqual([1, true])
    const place = places.get('jobs#shard2')!
    places.forget(place)
    expect(places.size).toBe(1)
    place.wasEmpty(0, never)
    places.forget(place)
    expect(places.size).toBe(0)
  })

  test('are asked in turn, whoever was asked longest ago first; chance decides who begins', () => {
    const places = new Places('mail-', true, relied)
    for (const [pk, random] of [
      ['a', 0.1],
      ['b', 0.9],
      ['c', 0.5],
    ] as const)
      places.arrived(pk, 0, moments(0, 1e12, random))
    const names = () => places.awake().map(({ pk }) => pk)
    expect(names()).toEqual(['b', 'c', 'a'])
    places.serve(places.get('b')!)
    expect(names()).toEqual(['c', 'a', 'b'])
    places.serve(places.get('c')!)
    expect(names()).toEqual(['a', 'b', 'c'])
    places.get('a')!.wasEmpty(0, never)
    expect(names()).toEqual(['b', 'c'])
  })

  test('a push that is due now wakes its place; one that is due later does when it is', () => {
    const places = new Places('mail-', true, relied)
    places.arrived('a', 1e12, moments())
    places.arrived('b', 1e12 + 1, moments())
    expect([places.get('a')!.isAwake, places.get('b')!.isAwake, places.nextDue()]).toEqual([
      true,
      false,
      1e12 + 1,
    ])
    expect(new Places('x', true, 0).nextDue()).toBe(never)
  })

  test('those that should be looked at come by how long they are overdue; who is awake is asked anyway', () => {
    const places = new Places('mail-', true, relied)
    for (const pk of ['a', 'b', 'c', 'd']) places.arrived(pk, 0, moments())
    places.get('a')!.wasEmpty(0, 1e12 - 5)
    places.get('b')!.wasEmpty(0, 1e12 - 9)
    places.get('c')!.wasEmpty(0, 1e12 + 1)
    expect(places.due(0, 1e12).map(({ pk }) => pk)).toEqual(['b', 'a'])
    // A shorter time between two looks than the usual one.
    places.get('a')!.wasEmpty(30_000, never)
    expect(places.due(30_300, 1e9, 250).map(({ pk }) => pk)).toContain('a')
    expect(places.due(30_300, 1e9).map(({ pk }) => pk)).not.toContain('a')
  })
})

test('each work partition of each database has its own places, and the oldest is forgotten', () => {
  const runtime = new Machine(1e12)
  const context = newContext(new MemoryStorage(runtime), { runtime })
  const create = () => new Places('q', true, relied)
  const first = placesOf(context, 'w0', create)
  expect(placesOf(context, 'w0', create)).toBe(first)
  expect(placesOf(newContext(new MemoryStorage(runtime), { runtime }), 'w0', create)).not.toBe(first)
  for (let i = 1; i < 1000; i++) placesOf(context, `w${i}`, create)
  expect(placesOf(context, 'w0', create)).toBe(first)
  placesOf(context, 'one more', create)
  expect(placesOf(context, 'w0', create)).not.toBe(first)
})

test('what this process knows of a queue reaches its place, if there is one', () => {
  const runtime = new Machine(1e12)
  runtime.random = () => 0.25
  const context = newContext(new MemoryStorage(runtime), { runtime })
  arrivedAt(context, 'w', 'a', 0)
  expectedAt(context, 'a', 5)
  const places = placesOf(context, 'w', () => new Places('q', true, relied))
  expect(places.size).toBe(0)
  arrivedAt(context, 'w', 'a', 0)
  arrivedAt(context, 'another', 'b', 0)
  expect([places.size, places.get('a')!.isAwake]).toEqual([1, true])
  expectedAt(context, 'a', 5)
  expectedAt(context, 'none', 1)
  expect(places.nextDue()).toBe(5)
  runtime.mono = 9
  const { monotonic, now, random } = momentsOf(context)
  expect([monotonic, now, random()]).toEqual([9, 1e12, 0.25])
})
