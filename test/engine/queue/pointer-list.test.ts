import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { Control } from '../../../src/engine/queue/control.ts'
import { Places } from '../../../src/engine/queue/places.ts'
import { collect, readingDue, readPointers, type Work } from '../../../src/engine/queue/pointer-list.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { Machine } from '../../setup/machine.ts'

const controlRow = { pk: 'jobs#work', sk: 'control', paused: 2e12 }
const pointer = (index: number, until = 5) => ({ pk: 'jobs#work', sk: `p#${index}`, until })

function setUp() {
  const machine = new Machine(1e12)
  const storage = new MemoryStorage(machine)
  const pages: (boolean | undefined)[] = []
  const page = storage.page.bind(storage)
  storage.page = async (range, options?: { consistent?: boolean }) => {
    pages.push(options?.consistent)
    return page({ ...range, limit: 2 })
  }
  const context = newContext(storage, { runtime: machine })
  const work: Work = {
    name: 'jobs',
    places: new Places('jobs', false, 300_000),
    control: new Control({ pk: 'jobs#work', sk: 'control' }),
  }
  return { machine, storage, pages, context, work }
}

test('all pages of pointers are read, and the control row with them', async () => {
  const { machine, storage, pages, context, work } = setUp()
  const rows = [controlRow, pointer(1), pointer(2), pointer(3)]
  await storage.write(rows.map((put) => ({ put })))
  machine.mono = 70
  await readPointers(context, work, false)
  expect([work.places.size, work.control.pausedUntil(0), pages.every((strong) => strong === false)]).toEqual([
    3,
    2e12,
    true,
  ])
  expect(pages.length).toBeGreaterThan(1)
  const bytes = rows.reduce((sum, row) => sum + rowBytes(row), 0)
  expect([work.places.readAt, work.places.strongAt, work.places.readBytes]).toEqual([
    70,
    Number.NEGATIVE_INFINITY,
    bytes,
  ])
  await storage.write([{ delete: controlRow }, { delete: pointer(1) }])
  machine.mono = 90
  await readPointers(context, work, true)
  expect([work.places.size, work.control.pausedUntil(0), pages.at(-1)]).toEqual([2, undefined, true])
  expect([work.places.readAt, work.places.strongAt]).toEqual([90, 90])
})

test('one page is read whenever it is asked for: strongly, but for idle looks and where there is work', () => {
  const { work } = setUp()
  work.places.readAt = 1000
  work.places.strongAt = 1000
  expect(readingDue(work, false, false, 1000)).toBe('strong')
  expect(readingDue(work, true, false, 1000)).toBe('eventual')
  // A busy consumer reads once a second.
  expect([readingDue(work, false, true, 1999), readingDue(work, false, true, 2000)]).toEqual([
    undefined,
    'eventual',
  ])
})

test('each kind of reading is as old as the last one of its kind', () => {
  const { work } = setUp()
  work.places.readBytes = 3 * 4096
  work.places.readAt = 5000
  work.places.strongAt = 4000
  expect(readingDue(work, false, false, 4299)).toBe(undefined)
  expect(readingDue(work, false, false, 4300)).toBe('strong')
  expect(readingDue(work, true, false, 5000)).toBe('eventual')
})

test('many pages are read within ten units a second, of which an eventual one takes half', () => {
  const { work } = setUp()
  work.places.readAt = 0
  work.places.strongAt = 0
  work.places.readBytes = 2 * 4096
  expect(readingDue(work, false, false, 0)).toBe('strong')
  work.places.readBytes = 30 * 4096
  expect([readingDue(work, false, false, 2999), readingDue(work, false, false, 3000)]).toEqual([
    undefined,
    'strong',
  ])
  expect([readingDue(work, true, false, 1499), readingDue(work, true, false, 1500)]).toEqual([
    undefined,
    'eventual',
  ])
  expect([readingDue(work, false, true, 1499), readingDue(work, false, true, 1500)]).toEqual([
    undefined,
    'eventual',
  ])
  work.places.readBytes = 4 * 4096
  expect(readingDue(work, true, false, 0)).toBe('eventual')
  expect(readingDue(work, false, false, 399)).toBe(undefined)
})

test('a pointer is deleted only as it was when the place was looked at', async () => {
  const { storage, context, work } = setUp()
  await storage.write([{ put: pointer(1) }, { put: pointer(2) }])
  await readPointers(context, work, true)
  const [first, second] = [work.places.get('jobs#shard1')!, work.places.get('jobs#shard2')!]
  await collect(context, work, first, 5)
  expect([work.places.get('jobs#shard1'), (await storage.read([pointer(1)]))[0]]).toEqual([
    undefined,
    undefined,
  ])
  // Raised since: it stays, and is still known.
  await storage.write([{ put: pointer(2, 9) }])
  await collect(context, work, second, 5)
  expect([work.places.get('jobs#shard2'), (await storage.read([pointer(2)]))[0]]).toEqual([
    second,
    pointer(2, 9),
  ])
  // Collected by another process.
  await storage.write([{ delete: pointer(2) }])
  await collect(context, work, second, 5)
  expect(work.places.size).toBe(0)
})
