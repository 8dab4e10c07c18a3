import { collection } from '../../src/collections/make-collection.ts'
import { migrate } from '../../src/collections/migration/migrate.ts'
import { typed } from '../../src/collections/standard-schema.ts'
import type { AtomicDbInterface } from '../../src/interface.ts'
import { scanRows } from '../../src/model/scan-rows.ts'
import type { Row } from '../../src/storage.ts'
import { transaction } from '../../src/transactions/run.ts'
import { isCode } from './lease-world.ts'
import type { Drill, Process } from './world.ts'

/**
 * Programs of three versions write one collection while it is migrated, by several at once, with kills, pauses of hours between a
 * decision and its request, and wrong clocks. An index that can be read has every item; at the end every row is right.
 */

interface User {
  id: string
  email?: string
  team?: string
  domain?: string
  n: number
}

const minute = 60_000
const hour = 60 * minute
const ids = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5']
const emails = ['a@x', 'b@x', 'c@y', 'd@y', 'e@y']
const teams = ['t0', 't1']
const kept = 'kept'
const turns = 40

const domainOf = ({ email }: User): string => email?.split('@')[1] ?? 'none'
const upgrades = {
  2: (item: User): User => ({ ...item, domain: domainOf(item) }),
  3: (item: User): User => ({ ...item }),
}

/** The program of a version: a field, an index and a unique field more with 2; the first index goes with 3. */
function open(db: AtomicDbInterface, version: number, byPartition: boolean) {
  const known = Object.entries(upgrades).filter(([to]) => Number(to) <= version)
  return collection(db, 'users', {
    schema: typed<User>(),
    key: byPartition ? { partition: ['id'] } : 'id',
    version,
    upgrades: Object.fromEntries(known),
    indexes: {
      team: { key: 'team', count: true, retired: version === 3 },
      ...(version >= 2 && {
        // Of a field that items of version 1 have as well.
        group: { key: 'team', count: true, since: 2 },
        domain: {
          key: 'domain',
          sort: 'id',
          since: 2,
          count: true,
          ...(version === 3 ? { changed: 3, project: ['n'] } : {}),
        },
      }),
    } as unknown as { team: { key: 'team' }; domain: { key: 'domain'; sort: 'id'; project: ['n'] } },
    unique: (version >= 2 ? { email: { key: 'email', since: 2 } } : {}) as unknown as {
      email: { key: 'email' }
    },
  })
}

const trouble = ['BackendError', 'OutcomeUnknown', 'Throttled', 'RaceCondition']

/** True for trouble of the backend, and for what the other versions bring about; anything else is thrown. */
function isExpected(error: unknown): true {
  if (isCode(error, ...trouble, 'ConditionFailed', 'NotUnique', 'NewerVersion', 'IndexNotReady')) return true
  throw error
}

export const migrations: Drill = {
  name: 'migrations',
  plan(draw) {
    const byPartition = draw.chance(0.4)
    const added = { certain: 0, perhaps: 0 }
    const inserted = new Set<string>()
    let begunAt: number | undefined

    /** Each version comes a while after the one before, here earlier than there. */
    function versionOf({ trueNow, random }: Process): number {
      begunAt ??= trueNow()
      const age = trueNow() - begunAt
      return (
        1 +
        (age > random.between(minute, 20 * minute) ? 1 : 0) +
        (age > random.between(2 * hour, 5 * hour) ? 1 : 0)
      )
    }

    const userOf = ({ random }: Process, id: string, version: number): User => {
      const user = {
        id,
        ...(random.chance(0.7) && { email: random.pick(emails) }),
        ...(random.chance(0.8) && { team: random.pick(teams) }),
        n: random.int(1e9),
      }
      return version > 1 ? { ...user, domain: domainOf(user) } : user
    }

    async function change(actor: Process, version: number, turn: number): Promise<unknown> {
      const { db, random, name } = actor
      const users = open(db, version, byPartition)
      const id = random.pick(ids)
      switch (random.int(9)) {
        case 0: {
          const own = `${name}-${turn}`
          await users.insert(userOf(actor, own, version))
          return inserted.add(own)
        }
        case 1:
          return users.put(userOf(actor, id, version))
        case 2:
          return users.delete(id)
        case 3:
          return users.update(id, { set: { team: random.pick(teams), n: random.int(1e9) } })
        case 4:
          return users.update(random.pick([id, kept]), { set: { n: random.int(1e9) } })
        case 5: {
          if (version === 1) return users.update(id, { remove: ['email'] })
          const email = random.pick(emails)
          return users.update(id, { set: { email, domain: domainOf({ email } as User), n: random.int(1e9) } })
        }
        case 6:
          return transaction(
            db,
            async (tx) => {
              await users.in(tx).put(userOf(actor, id, version))
              await users.in(tx).update(random.pick(ids), { set: { team: random.pick(teams) } })
            },
            { locks: random.chance(0.5) },
          )
        case 7:
          return version > 1 ? look(actor, version) : users.get(id)
        default:
          return db.runtime
            .sleep(random.chance(0.2) ? random.between(0, 50 * minute) : random.between(0, minute))
            .then(() => users.update(id, { add: { n: 1 } }))
      }
    }

    /** An item that is there before and after is in every index that can be read. */
    async function look({ db, random, anomaly }: Process, version: number): Promise<void> {
      const users = open(db, version, byPartition)
      await transaction(
        db,
        async (tx) => {
          const user = await users.in(tx).get(random.pick([...ids, ...inserted, kept]))
          if (!user) return undefined
          const domain = user.domain ?? domainOf(user)
          const found = await users.in(tx).listBy('domain', { domain })
          const owner = user.email === undefined ? user : await users.in(tx).getBy('email', user.email)
          return { user, isListed: found.some(({ id }) => id === user.id), owner }
        },
        { locks: false },
      ).then((seen) => {
        if (seen && !seen.isListed)
          anomaly('entry not found', `${seen.user.id} by domain in version ${version}`)
        if (seen && seen.owner?.id !== seen.user.id) anomaly('entry not found', `${seen.user.id} by email`)
      })
    }

    async function count({ db }: Process, version: number): Promise<void> {
      added.perhaps++
      try {
        const { applied } = await open(db, version, byPartition).update('counter', { add: { n: 1 } })
        added.perhaps--
        if (applied) added.certain++
      } catch (error) {
        isExpected(error)
        if (!isCode(error, ...trouble)) added.perhaps--
      }
    }

    const some = { wruPerSecond: Number.POSITIVE_INFINITY, concurrency: 3 }

    async function finish(observer: Process): Promise<void> {
      const { db } = observer
      await db.runtime.sleep(minute)
      const users = open(db, 3, byPartition)
      for (let left = 40; ; left--) {
        const { state, problems } = await migrate(users, { ...some, wait: true })
        if (state === 'complete') break
        if (left === 0) return observer.anomaly('no progress', `${state}: ${JSON.stringify(problems[0])}`)
        for (const { key } of problems)
          await users.update(byPartition ? key.pk.slice('users#'.length) : key.sk, { remove: ['email'] })
      }
      const { problems, items } = await users.verify()
      for (const { kind, index, key } of problems)
        observer.anomaly(`entry ${kind}`, `${index}: ${key.pk} ${key.sk}`)
      const rows = await all(db)
      const stored = rows.flatMap(({ data }) =>
        (data as User | undefined)?.n !== undefined ? [data as User & { $v?: number }] : [],
      )
      const whole = stored.filter((one) => one.$v !== undefined)
      if (whole.length !== items || whole.some(({ $v }) => $v !== 3))
        observer.anomaly('not migrated', `${items} items, ${whole.length} with a version`)
      const owned = whole.flatMap(({ email }) => email ?? [])
      if (new Set(owned).size < owned.length) observer.anomaly('not unique', owned.join(' '))
      const left = rows.filter(({ pk, version }) => pk.startsWith('users##team') && version === undefined)
      if (left.length > 0)
        observer.anomaly('entry orphan', `${JSON.stringify(left[0])} of an index that was removed`)
      for (const id of inserted) if (!whole.some((one) => one.id === id)) observer.anomaly('lost item', id)
      const n = whole.find(({ id }) => id === 'counter')?.n ?? 0
      if (n < added.certain || n > added.certain + added.perhaps)
        observer.anomaly('lost update', `${n} of ${added.certain} to ${added.certain + added.perhaps}`)
    }

    /** From the moment at which a collection is complete no item is of an earlier version. */
    async function watch({ db, random, anomaly }: Process, over: () => boolean): Promise<void> {
      while (!over()) {
        await db.runtime.sleep(random.between(10_000, 90_000))
        const state = await db
          .get<{ complete?: number }>({ pk: 'users##state', sk: '#' })
          .catch(() => undefined)
        const { complete = 1 } = state?.data ?? {}
        if (complete === 1) continue
        const rows = await all(db).catch(() => [])
        const early = rows.find(({ pk, data }) => {
          const item = data as { id?: string; n?: number; $v?: number } | undefined
          return !pk.includes('##') && item?.id !== undefined && (item.$v ?? 1) < complete
        })
        if (early && !over())
          return anomaly('not migrated', `${early.pk} ${early.sk} although ${complete} is complete`)
      }
    }

    async function all(db: AtomicDbInterface): Promise<Row[]> {
      const { rows } = await scanRows(db)
      return rows
    }

    let begun: Promise<void> | undefined
    async function begin({ db }: Process): Promise<void> {
      const users = open(db, 1, byPartition)
      for (let left = 30; left > 0; left--) {
        const done = await (async () => {
          for (const id of [kept, 'counter']) if (!(await users.get(id))) await users.insert({ id, n: 0 })
          return true
        })().catch((error) => !isExpected(error))
        if (done) return
        await db.runtime.sleep(200)
      }
    }

    return {
      contenders: 5,
      stepMs: draw.pick([0, 400]),
      offsetMs: draw.pick([500, 2 * minute]),
      freezeMs: draw.pick([0, 4000, minute]),
      suspendMs: draw.pick([0, 0, minute]),
      often: draw.pick([undefined, undefined, 'lostReply', 'slow']),
      stallMs: draw.pick([0, hour, 3 * hour]),
      stallRate: 0.04,
      mostMs: 200 * hour,
      async live(actor) {
        const { db, random, history, name } = actor
        begun ??= begin(actor)
        await Promise.race([begun, db.runtime.sleep(20_000)])
        for (let turn = 0; turn < turns; turn++) {
          const version = versionOf(actor)
          const id = history.invoke(name, 'write', 'users', { turn, version })
          if (version > 1 && random.chance(0.12))
            await migrate(open(db, version, byPartition), {
              ...some,
              forMs: random.pick([50, 1000, minute]),
              refuseEarlier: random.chance(0.2),
            }).catch(isExpected)
          else
            await (random.chance(0.25)
              ? count(actor, version)
              : change(actor, version, turn).catch(isExpected))
          history.complete(id, 'ok')
          await db.runtime.sleep(random.chance(0.1) ? random.between(0, 40 * minute) : random.between(0, 150))
        }
      },
      watch,
      finish,
      check: () => [],
    }
  },
}
