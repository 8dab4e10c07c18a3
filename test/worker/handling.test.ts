import { AtomicMemoryDb, HandlerTimeout, type QueueHandler, type QueueWorkerEvent } from 'lockrow'
import { expect, test } from 'vitest'
import { momentOf } from '../../src/coordination/lease.ts'
import { Simulation } from '../../src/testing/sim/simulation.ts'
import { handleMessage } from '../../src/worker/handling.ts'
import type { QueueHandling } from '../../src/worker/options.ts'
import type { Turn } from '../../src/worker/turn.ts'
import { leaseOfPulled } from '../../src/worker/visibility.ts'

/** Handles one message in simulated time. */
async function handle(
  handler: (all: {
    sleep: (ms: number) => Promise<void>
    ends: Ends
    db: AtomicMemoryDb
  }) => QueueHandler<unknown>,
  { turn, pullSeconds = 60, ...more }: Partial<QueueHandling> & { turn?: Turn; pullSeconds?: number } = {},
  before: (all: { ends: Ends; sleep: (ms: number) => Promise<void> }) => unknown = () => {},
) {
  const world = new Simulation({ seed: 4 })
  const process = world.process()
  const db = new AtomicMemoryDb({ runtime: process })
  const events: QueueWorkerEvent[] = []
  const ends: Ends = {
    closing: new AbortController(),
    givingUp: new AbortController(),
    leaving: new AbortController(),
  }
  return world.run(async () => {
    await db.queuePush({ pk: 'jobs', data: 7 })
    const begun = momentOf(process)
    const { item } = await db.queuePull({ pk: 'jobs', ttlSeconds: pullSeconds })
    const lease = leaseOfPulled(process, item!, pullSeconds, begun)
    const sleep = (ms: number) => process.sleep(ms)
    await before({ ends, sleep })
    const options = { pk: 'jobs', onEvent: (event: QueueWorkerEvent) => events.push(event), ...more }
    const signals = {
      closing: ends.closing.signal,
      givingUp: ends.givingUp.signal,
      leaving: ends.leaving.signal,
    }
    await handleMessage(db, item!, lease, handler({ sleep, ends, db }), options, signals, turn)
    const [left] = await db.queuePeek({ pk: 'jobs' })
    return { left, types: events.map(({ type }) => type), events, ms: world.time }
  })
}
type Ends = Record<'closing' | 'givingUp' | 'leaving', AbortController>

test('what a handler ends without an error is acknowledged', async () => {
  let seen: unknown
  const { left, types } = await handle(() => (item, { signal }) => {
    seen = [item.data, signal.aborted]
  })
  expect([seen, left, types]).toEqual([[7, false], undefined, ['started', 'done']])
})

test('what fails comes again, also where the handler throws at once', async () => {
  const { left, events } = await handle(() => () => {
    throw new Error('downstream')
  })
  expect(left).toMatchObject({ receiveCount: 1, reason: 'Error: downstream' })
  expect(events[1]).toMatchObject({ type: 'retry', reason: 'Error: downstream' })
})

test('a handler that takes too long is told, and not waited for', async () => {
  let reason: unknown
  const { events, ms } = await handle(
    ({ sleep }) =>
      async (_, { signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        await sleep(50_000)
      },
    { timeoutSeconds: 3 },
  )
  expect(reason).toBeInstanceOf(HandlerTimeout)
  expect(events.map(({ type }) => type)).toEqual(['started', 'retry'])
  expect(events[1]).toMatchObject({ error: reason })
  expect(ms).toBeGreaterThanOrEqual(3000)
  expect(ms).toBeLessThan(4000)
})

test('a handler within its time is not told, and neither is the next one', async () => {
  const { types } = await handle(
    ({ sleep }) =>
      () =>
        sleep(2900),
    { timeoutSeconds: 3 },
  )
  expect(types).toEqual(['started', 'done'])
})

test('it waits for its turn, during which the time of the handler does not pass, and ends it before it is acknowledged', async () => {
  const order: string[] = []
  let release: () => void
  const turn: Turn = async () => {
    order.push('waits')
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return () => order.push('ended')
  }
  const { types } = await handle(
    () => () => void order.push('handled'),
    { turn, timeoutSeconds: 3 },
    ({ sleep }) => void sleep(10_000).then(() => release()),
  )
  expect([order, types]).toEqual([
    ['waits', 'handled', 'ended'],
    ['started', 'done'],
  ])
})

test('a turn that does not come gives the message back, as if it had not been received', async () => {
  const { left, types } = await handle(() => () => expect.unreachable(), {
    turn: () => Promise.reject(new Error('not now')),
  })
  expect([left!.receiveCount, types]).toEqual([0, ['released']])
})

test('what is lost that the handler needs ends it', async () => {
  const lost = new Error('its permit is lost')
  const { events } = await handle(
    ({ sleep }) =>
      () =>
        sleep(5000),
    {
      turn: async (_, abort) => {
        abort(lost)
        return () => {}
      },
    },
  )
  expect(events.map(({ type }) => type)).toEqual(['released'])
})

test.each([
  ['no handler begins any more', (ends: Ends) => ends.closing.abort(new Error('stop'))],
  ['the consumer gives up', (ends: Ends) => ends.givingUp.abort(new Error('stop'))],
])('where %s it is given back uncounted', async (_, end) => {
  const { left, types } = await handle(
    () => () => expect.unreachable(),
    {},
    ({ ends }) => end(ends),
  )
  expect([left!.receiveCount, types]).toEqual([0, ['released']])
})

test('a message that is not ours any more is not begun', async () => {
  const { types } = await handle(
    () => () => expect.unreachable(),
    { pullSeconds: 2 },
    ({ sleep }) => sleep(2000),
  )
  expect(types).not.toContain('started')
})

test('it is kept for as long as the handler runs', async () => {
  const { left, types } = await handle(
    ({ sleep }) =>
      () =>
        sleep(30_000),
    { visibilitySeconds: 4, pullSeconds: 4 },
  )
  expect([left, types]).toEqual([undefined, ['started', 'done']])
})

test('a message that somebody else has acknowledged is lost, which is no error', async () => {
  const { types } = await handle(({ db }) => async (item) => {
    await db.queueAcknowledge({ pk: item.pk, sk: item.sk })
    await db.queuePush({ pk: item.pk, sk: item.sk })
  })
  expect(types).toEqual(['started', 'lost'])
})

test('an acknowledgement that fails is told', async () => {
  const { types, left } = await handle(({ ends }) => () => {
    ends.leaving.abort(new Error('left'))
  })
  expect(types).toEqual(['started', 'error'])
  expect(left).toBeDefined()
})
