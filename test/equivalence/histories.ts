import fc from 'fast-check'
import {
  type AtomicDbInterface,
  type AtomicDbOperation,
  type AtomicDbQueueItem,
  absent,
  allOf,
  anyOf,
  type Changes,
  type Condition,
  exists,
  field,
  not,
} from 'lockrow'
import { clock, type Memory, type Step } from './agree.ts'

// Values that are refused come now and then: often enough to meet all calls, too seldom to keep histories empty.
const rarely = (usual: fc.Arbitrary<unknown>, bad: unknown[]) =>
  fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...bad) })
const number = rarely(
  fc.oneof(
    fc.integer({ min: -3, max: 12 }),
    fc.constantFrom(
      0.1,
      0.2,
      1.5,
      -0,
      1e-20,
      123.456,
      Number.MAX_SAFE_INTEGER,
      9007199254740993n,
      10n ** 37n,
    ),
  ),
  [5n, Number.NaN, 1e-131, 'text'],
) as fc.Arbitrary<number>
const text = rarely(fc.constantFrom('', 'a', 'ab', 'b', 'é', '\ufffd', '😀', 'x'.repeat(50)), [
  'bad\ud800',
]) as fc.Arbitrary<string>
const scalar = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 4, arbitrary: text },
  fc.boolean(),
  fc.constant(null),
  fc.constant(new Uint8Array([1, 2])),
)
const set = fc.constantFrom<() => unknown>(
  () => new Set(['a', 'b']),
  () => new Set(['b', 'c']),
  () => new Set([1, 2]),
  () => new Set([9007199254740993n, 1]),
  () => new Set([new Uint8Array([1])]),
)
const name = fc.constantFrom('a', 'b', 'l', 'n', 's', 'size', 'x y')
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 6, arbitrary: scalar },
    { weight: 1, arbitrary: set.map((make) => make()) },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 2, arbitrary: fc.dictionary(name, tie('value'), { maxKeys: 4 }) },
  ),
}))
const document = fc.record(
  {
    a: value,
    b: value,
    l: fc.array(scalar, { maxLength: 4 }),
    n: number,
    s: set.map((make) => make()),
    m: fc.record({ n: number, l: fc.array(scalar, { maxLength: 2 }) }),
  },
  { requiredKeys: [] },
)
const path = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 3, arbitrary: fc.tuple(name, name).map(([one, two]) => `${one}.${two}`) },
  { weight: 2, arbitrary: fc.tuple(name, fc.nat(5)).map(([one, at]) => `${one}[${at}]`) },
  { weight: 1, arbitrary: fc.tuple(name, fc.nat(2), name).map(([one, at, two]) => `${one}[${at}].${two}`) },
  { weight: 1, arbitrary: fc.tuple(name, name, name).map((names) => names.join('.')) },
  { weight: 1, arbitrary: rarely(fc.constant(''), ['a..b', '__proto__.x']) as fc.Arbitrary<string> },
)
const ttl = fc.integer({ min: -20, max: 60 }).map((ahead) => clock.start + ahead)
// Names that mostly hold what the change needs, and now and then something else.
const mostly = (of: string) =>
  fc.oneof({ weight: 5, arbitrary: fc.constantFrom(of, `${of}2`, `m.${of}`) }, { weight: 2, arbitrary: path })
const change = (kind: string, at: fc.Arbitrary<string>, of: fc.Arbitrary<unknown>) =>
  fc.tuple(at, of).map(([where, what]) => ({ [kind]: { [where]: what } }))
const oneChange: fc.Arbitrary<object> = fc.oneof(
  change('set', path, value),
  change('setIfAbsent', path, value),
  change('add', mostly('n'), number),
  change('max', mostly('n'), number),
  change('min', mostly('n'), number),
  change('append', mostly('l'), fc.array(scalar, { minLength: 1, maxLength: 3 })),
  change('prepend', mostly('l'), fc.array(scalar, { minLength: 1, maxLength: 2 })),
  change(
    'set',
    fc.nat(5).map((at) => `l[${at}]`),
    scalar,
  ),
  change(
    'addToSet',
    mostly('s'),
    set.map((make) => make()),
  ),
  change(
    'removeFromSet',
    mostly('s'),
    set.map((make) => make()),
  ),
  fc
    .array(
      fc.oneof(
        path,
        fc.nat(4).map((at) => `l[${at}]`),
      ),
      { minLength: 1, maxLength: 2 },
    )
    .map((remove) => ({ remove })),
  fc.oneof(ttl, fc.constant(null)).map((at) => ({ ttl: at })),
)
const changes: fc.Arbitrary<Changes> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .array(oneChange, { minLength: 1, maxLength: 3 })
      .map((all) => Object.assign({}, ...all) as Changes),
  },
  { weight: 1, arbitrary: fc.constant<Changes>({ delete: true }) },
)
const like = fc.constantFrom<readonly [unknown, unknown]>(
  [0, 9],
  ['a', 'é'],
  ['', '😀'],
  [0.1, 9007199254740993n],
  [1, 'a'],
  [5, 1],
)
const test = fc.oneof(
  scalar,
  value.map((eq) => ({ eq })),
  value.map((ne) => ({ ne })),
  fc
    .tuple(fc.constantFrom('lt', 'lte', 'gt', 'gte'), fc.oneof(number, text))
    .map(([op, than]) => ({ [op]: than })),
  like.map((between) => ({ between })),
  fc.array(value, { minLength: 1, maxLength: 3 }).map((of) => ({ in: of })),
  fc.boolean().map((there) => ({ exists: there })),
  text.map((start) => ({ beginsWith: start })),
  value.map((part) => ({ contains: part })),
  fc.oneof(fc.nat(4), fc.record({ gte: fc.nat(4) })).map((size) => ({ size })),
  fc
    .constantFrom('string', 'number', 'list', 'map', 'stringSet', 'null', 'binary', 'boolean')
    .map((type) => ({ type })),
  path.filter((given) => !given.includes('..') && !given.includes('__')).map((given) => field(given)),
) as fc.Arbitrary<never>
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    {
      weight: 8,
      arbitrary: fc.dictionary(path, test, { minKeys: 1, maxKeys: 2 }) as fc.Arbitrary<Condition>,
    },
    fc.constantFrom<Condition>(exists, absent),
    tie('condition').map((inner) => not(inner)),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((of) => anyOf(...of)),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((of) => allOf(...of)),
  ),
}))
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const seldom = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 1 })

const sk = fc.constantFrom('a', 'b', 'c')
const lockOf = (memory: Memory, name: string, pk: string) =>
  memory.locks.get(name) ?? { pk, sk: `${name}#lock`, version: 'none', ttl: 1 }
const part = fc.oneof(
  fc.record({ type: fc.constant('set'), sk, data: document, if: seldom(condition) }),
  fc.record({ type: fc.constant('setIfAbsent'), sk, data: document }),
  fc.record({ type: fc.constant('delete'), sk, if: seldom(condition) }),
  fc.record({ type: fc.constant('update'), sk, changes, if: seldom(condition) }),
  fc.record({ type: fc.constantFrom('check', 'bump'), sk }),
)
const rowOf = ({ type, sk: of }: { type: string; sk: string }) =>
  type === 'check' || type === 'bump' ? `${of}#lock` : of
const shown = (item: AtomicDbQueueItem | undefined) =>
  item && {
    data: item.data,
    group: item.group,
    isProcessing: item.isProcessing,
    count: item.receiveCount,
    until: item.processingTimeout,
    ttl: item.ttl,
    large: item.payloadKey !== undefined,
    reason: item.reason,
    deadLetter: item.deadLetter?.reason,
  }
const group = optional(fc.constantFrom('g', 'h'))
const queueStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        message: fc.record(
          {
            data: scalar,
            sk: fc.constantFrom('m1', 'm2'),
            group: rarely(fc.constantFrom('g', 'h'), ['']) as fc.Arbitrary<string>,
            delaySeconds: rarely(fc.integer({ min: 0, max: 20 }), [-1]) as fc.Arbitrary<number>,
            ttl,
          },
          { requiredKeys: ['data'] },
        ),
        // An id for deduplication cannot stand with a key.
        deduplicationId: seldom(fc.constantFrom('d', 'e')),
        options: fc.record(
          {
            exactlyOnce: fc.boolean(),
            payloadThreshold: rarely(fc.constantFrom(1, 20), [0]) as fc.Arbitrary<number>,
          },
          { requiredKeys: [] },
        ),
      })
      .map(
        ({ message, deduplicationId, options }): Step => ({
          title: 'queuePush',
          of: { message, deduplicationId, options },
          run: async (db, pk) =>
            (await db.queuePush({ pk: `${pk}-queue`, ...message, deduplicationId }, options)).map(shown),
        }),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record(
        {
          ttlSeconds: rarely(fc.integer({ min: 1, max: 30 }), [0]) as fc.Arbitrary<number>,
          limit: rarely(fc.constantFrom(1, 3), [0]) as fc.Arbitrary<number>,
          strict: fc.boolean(),
          maxReceives: fc.constantFrom(1, 2),
          group: seldom(fc.constantFrom('g', 'h')),
        },
        { requiredKeys: ['ttlSeconds', 'limit'] },
      )
      .map(
        (options): Step => ({
          title: 'queuePull',
          of: options,
          async run(db, pk, memory) {
            const { items } = await db.queuePullMany({ pk: `${pk}-queue`, ...options })
            memory.messages.push(...items)
            return items.map(shown)
          },
        }),
      ),
  },
  group.map(
    (of): Step => ({
      title: 'sharded push and pull',
      async run(db, pk) {
        const queue = { pk: `${pk}-sharded` }
        if (of) await db.queuePush({ ...queue, group: of, data: of }, { shards: 3 })
        const { items } = await db.queuePullMany({ ...queue, shards: 3, limit: 4, ttlSeconds: 5 })
        return items.map((item) => [item.pk.slice(pk.length), item.data]).sort()
      },
    }),
  ),
  fc.constantFrom('peek', 'peek dead', 'stats', 'redrive', 'purge').map(
    (what): Step => ({
      title: what,
      async run(db, pk) {
        const queue = `${pk}-queue`
        if (what === 'stats') {
          const { oldestAgeSeconds: _age, ...counts } = await db.queueStats(queue)
          return counts
        }
        if (what === 'redrive') return db.queueRedrive({ from: `${queue}#dead` })
        if (what === 'purge') return db.queuePurge(queue, { limit: 1 })
        return (await db.queuePeek({ pk: what === 'peek' ? queue : `${queue}#dead` })).map(shown)
      },
    }),
  ),
  fc.record({ at: fc.nat(1), what: fc.constantFrom('acknowledge', 'release', 'extend', 'bare') }).map(
    ({ at, what }): Step => ({
      title: what,
      async run(db, _pk, memory) {
        const message = memory.messages.at(-1 - at)
        if (!message) return 'none'
        if (what === 'acknowledge') return db.queueAcknowledge(message)
        if (what === 'bare') return db.queueRelease({ pk: message.pk, sk: message.sk })
        if (what === 'release') return db.queueRelease(message, { delaySeconds: at, reason: 'why' })
        return (await db.queueExtend(message, { ttlSeconds: 5 })).processingTimeout
      },
    }),
  ),
) as fc.Arbitrary<Step>
const bound = seldom(fc.constantFrom('a', 'a#lock', 'b', 'b\0', 'c', '\u{10ffff}'))
const bounds = {
  from: bound,
  to: bound,
  exclude: seldom(fc.constantFrom<'from' | 'to' | 'both'>('from', 'to', 'both')),
}
const fieldList = fc.array(rarely(fc.constantFrom('a', 'n', 'm', 'm.n', 'l', 's'), ['', 'l[0]', 'pk']), {
  minLength: 1,
  maxLength: 3,
}) as fc.Arbitrary<string[]>
const updateMode = { exactlyOnce: seldom(fc.boolean()), returnOld: seldom(fc.boolean()) }
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ sk, data: document, ttl: optional(ttl) })
    .map((item): Step => ({ title: 'set', run: (db, pk) => db.set({ pk, ...item }) })),
  sk.map((of): Step => ({ title: 'get', run: (db, pk) => db.get({ pk, sk: of }) })),
  sk.map((of): Step => ({ title: 'delete', run: (db, pk) => db.delete({ pk, sk: of }) })),
  fc
    .uniqueArray(sk, { minLength: 1 })
    .map(
      (all): Step => ({ title: 'getMany', run: (db, pk) => db.getMany(all.map((of) => ({ pk, sk: of }))) }),
    ),
  fc.uniqueArray(sk, { minLength: 1 }).map(
    (all): Step => ({
      title: 'getLocked',
      async run(db, pk, memory) {
        const found = await db.getLocked(all.map((of) => ({ pk, sk: of })))
        return found.map(({ item, lock }, i) => {
          memory.locks.set(all[i]!, lock)
          return { item, lock: { ...lock, version: 'version' } }
        })
      },
    }),
  ),
  fc.boolean().map(
    (reverse): Step => ({
      title: 'stream',
      async run(db, pk) {
        const items = []
        for await (const item of db.stream({ pk, reverse })) items.push(item)
        return items
      },
    }),
  ),
  fc
    .record({
      reverse: fc.boolean(),
      limit: optional(rarely(fc.integer({ min: 1, max: 3 }), [0]) as fc.Arbitrary<number>),
      sk: optional(fc.constantFrom('a', 'b#', '')),
      after: optional(sk),
      ...bounds,
    })
    .map((query): Step => ({ title: 'query', of: query, run: (db, pk) => db.query({ pk, ...query }) })),
  fc
    .record({
      limit: fc.integer({ min: 1, max: 3 }),
      reverse: fc.boolean(),
      ...bounds,
      fields: optional(fieldList),
    })
    .map(
      (query): Step => ({
        title: 'page',
        of: query,
        async run(db, pk) {
          const found = []
          let cursor: string | undefined
          do {
            const page = await db.page({ pk, ...query, cursor })
            found.push(page.items)
            cursor = page.cursor
          } while (cursor !== undefined)
          return found
        },
      }),
    ),
  fc
    .record({
      limit: optional(fc.integer({ min: 1, max: 3 })),
      reverse: fc.boolean(),
      after: optional(sk),
      ...bounds,
    })
    .map((query): Step => ({ title: 'count', of: query, run: (db, pk) => db.count({ pk, ...query }) })),
  fc.record({ range: fc.record(bounds), limit: optional(fc.integer({ min: 1, max: 3 })) }).map(
    ({ range, limit }): Step => ({
      title: 'deleteRange',
      of: { range, limit },
      async run(db, pk) {
        const seen: unknown[] = []
        const result = await db.deleteRange({ pk, ...range }, { limit, onProgress: (at) => seen.push(at) })
        return { result, seen }
      },
    }),
  ),
  fc.array(sk, { maxLength: 4 }).map(
    (all): Step => ({
      title: 'getTogether',
      run: (db, pk) => db.getTogether(all.map((of) => ({ pk, sk: of }))),
    }),
  ),
  fc.array(fc.record({ sk, data: document, ttl: optional(ttl) }), { minLength: 1, maxLength: 3 }).map(
    (items): Step => ({
      title: 'set returnOld',
      run: (db, pk) =>
        db.set(
          items.map((item) => ({ pk, ...item })),
          { returnOld: true },
        ),
    }),
  ),
  fc.array(sk, { minLength: 1, maxLength: 3 }).map(
    (all): Step => ({
      title: 'delete returnOld',
      run: (db, pk) =>
        db.delete(
          all.map((of) => ({ pk, sk: of })),
          { returnOld: true },
        ),
    }),
  ),
  {
    weight: 6,
    arbitrary: fc.record({ sk, changes, if: optional(condition), ...updateMode }).map(
      ({ sk: of, changes: what, ...options }): Step => ({
        title: 'update',
        of: { what, ...options },
        run: (db: AtomicDbInterface, pk: string) => db.update({ pk, sk: of }, what, options),
      }),
    ),
  },
  sk.map(
    (of): Step => ({
      title: 'getLock',
      async run(db, pk, memory) {
        const lock = await db.getLock({ pk, sk: `${of}#lock` })
        memory.locks.set(of, lock)
        return { ...lock, version: 'version' }
      },
    }),
  ),
  fc
    .record({
      items: fc.array(fc.record({ sk, data: document }), { maxLength: 3 }),
      lock: sk,
      fresh: fc.boolean(),
    })
    .map(
      ({ items, lock, fresh }): Step => ({
        title: 'setAtomic',
        async run(db, pk, memory) {
          if (fresh) memory.locks.set(lock, await db.getLock({ pk, sk: `${lock}#lock` }))
          const made = await db.setAtomic(
            items.map((item) => ({ pk, ...item })),
            lockOf(memory, lock, pk),
          )
          if (items.length !== 2) memory.locks.set(lock, made[0]!)
          return made.map((one) => ({ ...one, version: 'version' }))
        },
      }),
    ),
  {
    weight: 4,
    arbitrary: fc
      .oneof(
        // One row twice is refused: seldom, or nothing else would be seen.
        { weight: 9, arbitrary: fc.uniqueArray(part, { maxLength: 4, selector: rowOf }) },
        { weight: 1, arbitrary: fc.array(part, { maxLength: 4 }) },
      )
      .map(
        (parts): Step => ({
          title: 'transact',
          of: parts,
          async run(db: AtomicDbInterface, pk: string, memory: Memory) {
            const operations = parts.map((part): AtomicDbOperation => {
              const { sk: of, data, ...rest } = part as typeof part & { data?: unknown }
              if (part.type === 'check' || part.type === 'bump')
                return { type: part.type, lock: lockOf(memory, of, pk) } as AtomicDbOperation
              if (part.type === 'set' || part.type === 'setIfAbsent')
                return { ...rest, item: { pk, sk: of, data } } as AtomicDbOperation
              return { ...rest, key: { pk, sk: of } } as AtomicDbOperation
            })
            const result = await db.transact(operations)
            return result.locks.length
          },
        }),
      ),
  },
  { weight: 3, arbitrary: queueStep },
) as fc.Arbitrary<Step>

const history = (of: fc.Arbitrary<Step>) =>
  fc.array(fc.record({ step: of, wait: fc.constantFrom(0, 0, 0, 1, 7, 31, 80_000) }), {
    minLength: 1,
    maxLength: 14,
  })

/** Random operations, good and bad, on few rows. */
export const histories = fc.oneof(
  { weight: 5, arbitrary: history(step) },
  // Receipts grow old only where pulls, releases and waits follow each other.
  { weight: 1, arbitrary: history(queueStep) },
)
