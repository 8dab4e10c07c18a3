import { collection } from '../../src/collections/make-collection.ts'
import { typed } from '../../src/collections/standard-schema.ts'
import type { AtomicDbInterface } from '../../src/interface.ts'
import { transaction } from '../../src/transactions/run.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Process } from './world.ts'

/**
 * Users that many processes make, move, rename and delete: every index entry is there, right, and of an item; nobody shares
 * an email; counts and references are exact; an update of one write and a planned one never lose each other.
 */

interface User {
  id: string
  email?: string
  team?: string
  tags?: string[]
  until?: number
  n?: number
  note?: number
}

const ids = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5']
const emails = ['e0', 'e1', 'e2', 'e3']
const teams = ['t0', 't1', 't2']
const tags = ['a', 'b', 'c']
/** Never deleted. */
const kept = 'kept'
const turns = 25

const open = (db: AtomicDbInterface, expires: boolean) => {
  const groups = collection(db, 'groups', { schema: typed<{ id: string }>(), key: 'id', referenced: true })
  const users = collection(db, 'users', {
    schema: typed<User>(),
    key: 'id',
    unique: { email: 'email' },
    indexes: {
      team: { key: 'team', sort: 'id', project: ['note'], count: !expires },
      tag: { key: 'tags', where: { team: ['t0', 't1'] } },
    },
    ...(expires ? { ttl: 'until' as const } : { references: { team: groups } }),
  })
  return { groups, users }
}

const values = {
  team: teams.map((team) => ({ team })),
  tag: tags.map((one) => ({ tags: one })),
  email: emails.map((email) => ({ email })),
}

/** True for trouble of the backend and for refusals; anything else is thrown. */
function isExpected(error: unknown): true {
  const trouble = ['BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition']
  if (isCode(error, ...trouble, 'ConditionFailed', 'NotUnique', 'ReferenceMissing', 'StillReferenced'))
    return true
  throw error
}

export const collections: Drill = {
  name: 'collections',
  plan(draw) {
    const expires = draw.chance(0.4)
    const added = { certain: 0, perhaps: 0 }

    const userOf = ({ random, db }: Process, id: string): User => ({
      id,
      ...(random.chance(0.7) && { email: random.pick(emails) }),
      ...(random.chance(0.8) && { team: random.pick(teams) }),
      ...(random.chance(0.6) && { tags: tags.filter(() => random.chance(0.5)) }),
      ...(expires &&
        random.chance(0.5) && { until: Math.floor(db.runtime.now() / 1000) + 1 + random.int(20) }),
      note: random.int(100),
    })

    async function count({ db }: Process): Promise<void> {
      const { users } = open(db, expires)
      // A process may crash while it waits, and what was not answered may have been done.
      added.perhaps++
      try {
        const { applied } = await users.update(kept, { add: { n: 1 } })
        added.perhaps--
        if (applied) added.certain++
      } catch (error) {
        isExpected(error)
      }
    }

    function change(actor: Process): Promise<unknown> {
      const { db, random } = actor
      const { users, groups } = open(db, expires)
      const id = random.pick(ids)
      switch (random.int(11)) {
        case 0:
          return users.insert(userOf(actor, id))
        case 1:
          return users.put(userOf(actor, id))
        case 2:
          return users.delete(id)
        case 3:
          return users.update(id, { set: { email: random.pick(emails) } })
        case 4:
          return users.update(kept, { set: { team: random.pick(teams) } })
        case 5:
          return users.update(random.pick([id, kept]), {
            set: { tags: tags.filter(() => random.chance(0.5)) },
          })
        case 6:
          return random.chance(0.5) || expires
            ? users.update(id, { remove: ['team'] })
            : groups.delete(random.pick(teams))
        case 7:
          return expires
            ? users.update(id, { set: { until: Math.floor(db.runtime.now() / 1000) + random.int(20) } })
            : groups.put({ id: random.pick(teams) })
        case 8:
          return users.update(random.pick([id, kept]), { set: { note: random.int(100) } })
        case 9:
          return again(actor, id)
        default:
          return transaction(db, async (tx) => {
            await users.in(tx).put(userOf(actor, id))
            await users.in(tx).update(random.pick(ids), { set: { team: random.pick(teams) } })
          })
      }
    }

    /** An item written as it was read, but for a field that no index knows. */
    async function again({ db, random }: Process, id: string): Promise<void> {
      const { users } = open(db, expires)
      const user = await users.get(id)
      await db.runtime.sleep(random.between(0, 20))
      if (user) await users.put({ ...user, n: random.int(100) })
    }

    async function finish(observer: Process): Promise<void> {
      const { db } = observer
      await db.runtime.sleep(30_000)
      const { users, groups } = open(db, expires)
      const { problems } = await users.verify({ values })
      for (const { kind, index, key } of problems)
        observer.anomaly(`entry ${kind}`, `${index}: ${key.pk} ${key.sk}`)
      const { items } = await users.list({})
      const owned = items.flatMap(({ email }) => email ?? [])
      if (new Set(owned).size < owned.length) observer.anomaly('not unique', owned.join(' '))
      const n = items.find(({ id }) => id === kept)?.n ?? 0
      if (n < added.certain || n > added.certain + added.perhaps)
        observer.anomaly('lost update', `${n} of ${added.certain} to ${added.certain + added.perhaps}`)
      if (expires) return
      for (const id of teams)
        await references(observer, id, items.filter(({ team }) => team === id).length, groups)
    }

    async function references(
      observer: Process,
      id: string,
      expected: number,
      groups: ReturnType<typeof open>['groups'],
    ): Promise<void> {
      const row = await observer.db.get<{ n: number }>(groups.locate({ id }).count)
      if ((row?.data.n ?? 0) !== expected)
        observer.anomaly('references', `${row?.data.n} references to ${id}, and ${expected} items`)
      if (expected > 0 && !(await groups.get(id))) observer.anomaly('references', `${id} is gone`)
    }

    let begun: Promise<void> | undefined
    async function begin({ db }: Process): Promise<void> {
      const { users, groups } = open(db, expires)
      for (let left = 20; left > 0; left--) {
        const done = await (async () => {
          for (const id of teams) await groups.put({ id })
          if (!(await users.get(kept))) await users.insert({ id: kept, n: 0, team: 't0' })
          return true
        })().catch((error) => !isExpected(error))
        if (done) return
        await db.runtime.sleep(200)
      }
    }

    return {
      contenders: 4,
      stepMs: draw.pick([0, 400]),
      freezeMs: draw.pick([0, 4000]),
      often: draw.pick([undefined, undefined, 'lostReply', 'slow']),
      async live(actor) {
        const { db, random, history, name } = actor
        begun ??= begin(actor)
        await Promise.race([begun, db.runtime.sleep(20_000)])
        for (let turn = 0; turn < turns; turn++) {
          const id = history.invoke(name, 'write', 'users', { turn })
          await (random.chance(0.3) ? count(actor) : change(actor).catch(isExpected))
          history.complete(id, 'ok')
          await db.runtime.sleep(random.between(0, 150))
        }
      },
      finish,
      check: () => [],
    }
  },
}
