import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { draftOf, markDuplicate, markedMessage, withoutTwins } from '../../../src/engine/queue/draft.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const machine = new Machine(1_700_000_000_000)
const context = newContext(new MemoryStorage(machine), { runtime: machine })
const draft = (input: object, options = {}) => draftOf(context, { pk: 'jobs', ...input }, 0, 'item', options)

test('a draft has a row for the message, its payload and each of its ids', () => {
  const plain = draft({ data: 1 })
  expect([plain.payload, plain.marker, plain.unique, plain.mayBeRefused]).toEqual([
    undefined,
    undefined,
    undefined,
    false,
  ])
  const full = draft(
    { data: 'x'.repeat(99), deduplicationId: 'd', uniqueId: 'u' },
    { payloadThreshold: 9, shards: 3 },
  )
  expect(full.payload?.pk).toBe(full.row.p)
  expect(full.marker).toMatchObject({ pk: 'jobs#dedup#d', version: full.row.sk, q: full.row.pk })
  expect(full.unique?.key.pk).toBe('jobs#once#u')
  expect(full.mayBeRefused).toBe(true)
})

test('the marker of a message that lies in its queue says so, wherever the second one would have gone', () => {
  const marker = draft({ deduplicationId: 'd' }).marker!
  for (const second of [draft({ delaySeconds: 60 }), draft({}, { shards: 5 }), draft({})])
    expect(markedMessage(second, marker)).toMatchObject({ pk: 'jobs', sk: marker.version })
})

test('a duplicate and its twins are what the first message is, without what is not written', () => {
  const late = { delaySeconds: 60, deduplicationId: 'd', data: 'x'.repeat(99) }
  const drafts = [late, { deduplicationId: 'd', uniqueId: 'u' }, { uniqueId: 'v' }].map((input) =>
    draft(input, { payloadThreshold: 9 }),
  )
  const { distinct, twins } = withoutTwins(drafts)
  expect(distinct).toEqual([drafts[0], drafts[2]])
  expect(twins.map((one) => one.draft)).toEqual([drafts[1]])
  drafts[0]!.twins = [drafts[1]!]
  markDuplicate(drafts[0]!, { pk: 'jobs', sk: 'first', enqueuedAt: 5 })
  for (const { item } of [drafts[0]!, drafts[1]!]) {
    expect(item).toMatchObject({ pk: 'jobs', sk: 'first', enqueuedAt: 5, isDuplicate: true })
    expect(item).not.toHaveProperty('payloadKey')
    expect(item).not.toHaveProperty('queue')
  }
})
