import { InvalidInput } from 'lockrow'
import { decodeTime } from 'ulid'
import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { dueOf, promiseFor, setApart } from '../../../src/engine/queue/apart.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { newMessage } from '../../../src/model/message-row.ts'
import { Machine } from '../../setup/machine.ts'

const machine = new Machine(1_700_000_000_000)
const context = newContext(new MemoryStorage(machine), { runtime: machine })

function apart(input: object, pk = 'jobs') {
  const given = { pk, ...input }
  const message = newMessage(context, given, '')
  setApart(context, message, given)
  return message
}

test('from half a minute on a message lies apart, at a ULID of the time when it is due', () => {
  const { row, item } = apart({ delaySeconds: 30, data: 1 })
  expect(row.pk).toBe('jobs#scheduled')
  expect([decodeTime(row.sk), row.due, dueOf(row)]).toEqual([
    machine.wall + 30_000,
    machine.wall + 30_000,
    machine.wall + 30_000,
  ])
  expect(row.enq).toBe(machine.wall)
  expect(row).not.toHaveProperty('q')
  expect(item).toMatchObject({ pk: row.pk, sk: row.sk, queue: 'jobs', enqueuedAt: machine.wall })
})

test.each([
  ['due sooner', { delaySeconds: 29 }],
  ['due now', {}],
  ['with a key of its own', { delaySeconds: 60, sk: 'mine' }],
  ['with a group', { delaySeconds: 60, group: 'g' }],
])('a message that is %s keeps its place', (_, input) => {
  const { row, item } = apart(input)
  expect([row.pk, item.pk, dueOf(row)]).toEqual(['jobs', 'jobs', 0])
})

test('one of a family keeps its place', () => {
  expect(apart({ delaySeconds: 60, family: 'mail-' }, 'mail-7').row.pk).toBe('mail-7')
})

test('one of a shard lies with those of its queue, and knows where it was pushed to', () => {
  const { row, item } = apart({ delaySeconds: 60 }, 'jobs#shard3')
  expect([row.pk, row.q, item.queue]).toEqual(['jobs#scheduled', 'jobs#shard3', 'jobs#shard3'])
})

test('a name that has no room for the place beside it is refused', () => {
  expect(() => apart({ delaySeconds: 60 }, 'x'.repeat(2045))).toThrow(InvalidInput)
})

test('consumers are promised to look there: those of shards read another row', () => {
  expect(promiseFor({ pk: 'jobs', sk: '1' })).toBe(undefined)
  expect(promiseFor({ pk: 'jobs#scheduled', sk: '1' })).toEqual({
    key: { pk: 'jobs', sk: '~control' },
    name: 'scheduled',
    holdMs: 3_600_000,
  })
  expect(promiseFor({ pk: 'jobs#scheduled', sk: '1', q: 'jobs' })?.key).toEqual({
    pk: 'jobs',
    sk: '~control',
  })
  expect(promiseFor({ pk: 'jobs#scheduled', sk: '1', q: 'jobs#shard3' })?.key).toEqual({
    pk: 'jobs#work',
    sk: 'control',
  })
})

test('a priority is kept, and promised by itself', () => {
  const { row, item } = apart({ delaySeconds: 60, priority: 'low' })
  expect([row.sk[0], item.priority, dueOf(row)]).toEqual(['}', 'low', machine.wall + 60_000])
  expect(decodeTime(row.sk.slice(1))).toBe(machine.wall + 60_000)
  expect(promiseFor(row)?.name).toBe('scheduledLow')
})
