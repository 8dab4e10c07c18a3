import { OutcomeUnknown, RaceCondition } from '../../../src/errors.ts'
import { type Actor, record, type Workload } from './actor.ts'

const pk = 'once'
// Well within the ten minutes for which an idempotencyKey is remembered, whatever the clocks show.
const lifeMs = 4 * 60_000

interface Job {
  id: string
  since: number
  /** Somebody was told that it is done. */
  confirmed: boolean
}

/** Jobs that any process may try any number of times under one idempotencyKey: each takes effect once. */
export function onceWorkload(): Workload {
  const jobs: Job[] = []
  let open: Job[] = []
  return {
    name: 'once',
    async step(actor) {
      const { db, random } = actor
      open = open.filter((job) => actor.trueNow() - job.since < lifeMs)
      let job = random.chance(0.6) && open.length > 0 ? random.pick(open) : undefined
      if (!job) {
        job = { id: `j${jobs.length}`, since: actor.trueNow(), confirmed: false }
        jobs.push(job)
        open.push(job)
        if (open.length > 4) open.shift()
      }
      const { id } = job
      try {
        await record(actor, 'job', `${pk}/${id}`, undefined, async () => {
          await db.transact(
            [
              { type: 'update', key: { pk, sk: id }, changes: { add: { n: 1 } } },
              { type: 'queuePush', item: { pk: `${pk}-sent`, data: { id } } },
            ],
            { idempotencyKey: `job-${id}` },
          )
          job.confirmed = true
        })
      } catch (error) {
        if (!(error instanceof OutcomeUnknown || error instanceof RaceCondition)) throw error
      }
    },
    async finish(actor) {
      await check(actor, jobs)
    },
  }
}

async function check(actor: Actor, jobs: readonly Job[]): Promise<void> {
  const done = new Map(
    (await actor.db.query<{ n: number }>({ pk })).map((item) => [item.sk, item.data.n] as const),
  )
  const sent = new Map<string, number>()
  for (const { data } of await actor.db.query<{ id: string }>({ pk: `${pk}-sent` }))
    sent.set(data.id, (sent.get(data.id) ?? 0) + 1)
  for (const { id, confirmed } of jobs) {
    const times = done.get(id) ?? 0
    if (times > 1 || (confirmed && times === 0))
      actor.anomaly(
        'idempotency',
        `job ${id} took effect ${times} times${confirmed ? ', was confirmed' : ''}`,
      )
    if ((sent.get(id) ?? 0) !== times)
      actor.anomaly(
        'atomicity',
        `job ${id} took effect ${times} times and sent ${sent.get(id) ?? 0} messages`,
      )
  }
}
