import { change, type Defect } from './defect.ts'

const runtime = 'runtime.ts'
const heldLease = 'coordination/held-lease.ts'
const claim = 'coordination/lease-claim.ts'
const holders = 'coordination/holders.ts'
const readWriteLock = 'coordination/read-write-lock.ts'
const run = 'coordination/run-with-lease.ts'
const mutex = 'coordination/mutex/mutex.ts'
const contender = 'coordination/mutex/contender.ts'
const vacancy = 'coordination/mutex/vacancy.ts'
const line = 'coordination/mutex/ticket-line.ts'
const semaphore = 'coordination/semaphore.ts'
const waitFor = 'coordination/wait-for.ts'

const robbed = /too many holders|reader beside|stale fence/

const elapsedTime: Defect[] = [
  {
    name: 'a suspension does not count as time',
    class: 'elapsed time',
    patches: [
      change(
        runtime,
        'return monotonic - since.monotonic + closed + (peak - base)',
        'return monotonic - since.monotonic',
      ),
    ],
    drill: 'mutex by wall clock',
    found: robbed,
  },
  {
    name: 'a backward step of the wall clock makes a lease longer',
    class: 'elapsed time',
    patches: [
      change(
        runtime,
        'return monotonic - since.monotonic + closed + (peak - base)',
        'return wall - since.wall',
      ),
    ],
    drill: 'mutex, observed',
    found: robbed,
  },
]

const exclusion: Defect[] = [
  {
    name: 'a permit counts from the reply',
    class: 'exclusion',
    patches: [change(claim, 'asked.ttlMs, sent)', 'asked.ttlMs, momentOf(db.runtime))')],
    drill: 'semaphore',
    found: robbed,
  },
  {
    name: 'the lease of the holder is taken to be as long as ours',
    class: 'exclusion',
    patches: [
      change(
        vacancy,
        'return remainingAsSeen(this.#db.runtime, this.#key, row)',
        'return remainingAsSeen(this.#db.runtime, this.#key, { ...row, leaseMs: this.#settings.ttlMs })',
      ),
    ],
    drill: 'mutex, observed',
    found: robbed,
  },
  {
    name: 'a repeated acquisition of a permit uses the id of the lost one',
    class: 'exclusion',
    patches: [
      change(
        claim,
        'const mostLate = 3\n',
        'const mostLate = 3\nconst ids = new WeakMap<object, string>()\n',
      ),
      change(
        claim,
        'const id = uniqueId(db.runtime)',
        'const id = ids.get(db) ?? uniqueId(db.runtime)\n  ids.set(db, id)',
      ),
      change(claim, '    if (applied) {\n', '    if (applied) {\n      ids.delete(db)\n'),
    ],
    drill: 'semaphore',
    found: robbed,
  },
  {
    name: 'places of crashed holders are handed out beyond the limit',
    class: 'exclusion',
    patches: [
      change(
        semaphore,
        'if (count - Math.min(atOnce, crashed.length) >= this.#permits) {',
        'if (count - Math.min(atOnce, crashed.length) >= this.#permits && crashed.length === 0) {',
      ),
      change(semaphore, '{ size: { lt: this.#permits + crashed.length } }', '{ size: { lt: 1000 } }'),
    ],
    drill: 'semaphore',
    found: robbed,
  },
  {
    name: 'a mutex is held by a process that counts as dead',
    class: 'exclusion',
    patches: [
      change(
        heldLease,
        'return Math.min(this.#clock.leftMs, this.#row.liveness?.leftMs ?? Number.POSITIVE_INFINITY)',
        'return this.#row.liveness?.signal.aborted ? 0 : this.#clock.leftMs',
      ),
    ],
    drill: 'mutex with liveness',
    found: robbed,
  },
  {
    name: 'what another process hands over is held by its clock',
    class: 'exclusion',
    patches: [
      change(
        mutex,
        'mutex.#settings.observed ? undefined : new LeaseClock(db.runtime, left)',
        'new LeaseClock(db.runtime, left)',
      ),
    ],
    drill: 'mutex, observed',
    found: robbed,
  },
  {
    name: 'free for a second while nobody can take it',
    class: 'exclusion',
    patches: [
      change(
        vacancy,
        'locked: this.#remaining(row) >= 0,',
        'locked: this.#remaining(row) >= (this.#settings.observed ? 0 : this.#settings.toleranceMs),',
      ),
    ],
    drill: 'mutex by wall clock',
    found: /contradiction/,
  },
  {
    name: 'a run that lost its permit ends as if it had not',
    class: 'exclusion',
    patches: [
      change(run, 'if (lost.aborted) throw lost.reason', ''),
      change(
        run,
        "if ('error' in released) throw released.error\n  return settled.result",
        'return settled.result',
      ),
    ],
    drill: 'semaphore',
    found: /lost in silence/,
  },
  {
    name: 'extended although it was told not to',
    class: 'exclusion',
    patches: [
      change(
        heldLease,
        'everyMs: (options.extend ?? true) ? heartbeatMs',
        'everyMs: heartbeatMs > 0 ? heartbeatMs',
      ),
    ],
    drill: 'mutex by wall clock',
    found: /extended/,
  },
  {
    name: 'what a draining process runs goes on',
    class: 'exclusion',
    patches: [
      change(
        mutex,
        'const ending = [liveness?.signal, liveness?.draining]',
        'const ending = [liveness?.signal]',
      ),
    ],
    drill: 'mutex with liveness',
    found: /draining unnoticed/,
  },
]

const blockage: Defect[] = [
  {
    name: 'an acquisition that was given up holds for ever',
    class: 'blockage',
    patches: [change(claim, 'if (mayArrive) abandon(db, key, id, asked)', '')],
    drill: 'mutex without end',
    found: /blocked|no progress/,
  },
  {
    name: 'one try never sees that the owner is dead',
    class: 'blockage',
    patches: [change(contender, 'if (!(await this.#clearWay(item?.data, call)))', 'if (!doubt)')],
    drill: 'mutex with liveness',
    found: /blocked|contradiction/,
  },
  {
    name: 'who tries once never sees the end of a crashed lease',
    class: 'blockage',
    patches: [
      change(
        vacancy,
        'readonly #key: AtomicDbItemKey\n',
        'readonly #key: AtomicDbItemKey\n  static #count = 0\n  readonly #own = Vacancy.#count++\n',
      ),
      change(
        vacancy,
        'return remainingAsSeen(this.#db.runtime, this.#key, row)',
        'return remainingAsSeen(this.#db.runtime, this.#key, { ...row, beat: row.beat + this.#own })',
      ),
    ],
    drill: 'mutex, observed',
    found: /blocked/,
  },
  {
    name: 'a lost request that was refused answers for the row',
    class: 'blockage',
    patches: [
      change(contender, 'if (doubt) lost++', 'if (doubt) return { state: this.vacancy.stateOf(item?.data) }'),
    ],
    drill: 'mutex by wall clock',
    found: /contradiction/,
  },
  {
    name: 'crashed readers stay in the row',
    class: 'blockage',
    patches: [change(readWriteLock, 'if (lease) await this.#takeOutCrashed(item?.data.readers, call)\n', '')],
    drill: 'read-write lock',
    found: /row grows/,
  },
  {
    name: 'an extension of a permit that arrives late makes it shorter',
    class: 'exclusion',
    patches: [change(holders, 'allOf(place.ours, [[place.until, { lt: until }]])', 'place.ours')],
    drill: 'semaphore',
    found: robbed,
  },
  {
    name: 'a ticket on a new key makes a row that nobody can take',
    class: 'blockage',
    patches: [
      change(contender, 'if (doubt) lost++', 'if (doubt) return { state: this.vacancy.stateOf(item?.data) }'),
      change(line, '{ token: 0, owner: null, until: null }', '{ token: 0 }'),
    ],
    drill: 'mutex, fair',
    found: /blocked|no progress/,
  },
  {
    name: 'tickets of crashed waiters stay',
    class: 'blockage',
    patches: [change(line, 'before.some(({ until }) => until >= lapsed)', 'before.length > 0')],
    drill: 'mutex, fair',
    found: /blocked|no progress/,
  },
  {
    name: 'a waiter ends at the first trouble of the backend',
    class: 'blockage',
    patches: [change(waitFor, 'if (!passes || ', 'if (passes || ')],
    drill: 'mutex by wall clock',
    found: /gave up waiting/,
  },
]

export const leaseDefects: readonly Defect[] = [...elapsedTime, ...exclusion, ...blockage]
