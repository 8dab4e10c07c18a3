import {
  type AtomicDbItem,
  type AtomicDbItemKey,
  type AtomicDbQueueItem,
  AtomicLRUCache,
  type AtomicLRUCacheOptions,
  lockKey,
  shardsOf,
  transaction,
} from 'lockrow'
import { type Random, type SimulatedRuntime, Simulation } from 'lockrow/testing'
import { type Asked, type Finding, Judge, type Kind, type Rule } from './judge.ts'
import { Versions } from './versions.ts'
import { type Network, Wire } from './wire.ts'

const items = ['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk }))
const alone = { pk: 'r', sk: 'a' }
/** A row beside the messages of a queue. */
const beside = { pk: 'q', sk: 'm0' }
const shards = 2
const queues = ['q', ...shardsOf('q', shards), 'q#dead']
const names = ['m0', 'm1']
const deadlineSeconds = 2
const kindsOfWrites = 21

interface Value {
  id: number
  list: number[]
  bytes: Uint8Array
  deep: { tags: Set<string> }
}

/** One cache in a process of its own, and what is held against it. */
interface Client {
  cache: AtomicLRUCache
  process: SimulatedRuntime
  judge: Judge
  random: Random
  copies: boolean
  pulled: AtomicDbQueueItem[]
}

export interface CacheRun {
  seed: number
  findings: Finding[]
  operations: number
  reads: Record<Kind, number>
  hits: number
  coalesced: number
  faults: Record<string, number>
}

/** What one seed draws: some do little else than overlap reads of one key, others fail half of all writes. */
interface Profile {
  network: Network
  keys: readonly AtomicDbItemKey[]
  /** Callers of one cache at a time. */
  threads: number
  reads: number
  /** The kinds of writes that happen, by their numbers. */
  writes: readonly number[]
  pausesMs: readonly number[]
  /** How often another program writes, ms. */
  behindMs: number
  signals: number
  /** Steps of the clock, and suspended machines. */
  clocks: boolean
}

function draw(random: Random): Profile {
  const all = [...items, alone, beside]
  const numbers = Array.from({ length: kindsOfWrites }, (_, i) => i)
  return {
    network: {
      requestMs: random.pick([2, 20]),
      replyMs: random.pick([2, 20, 60]),
      lateMs: random.pick([100, 5_000, 60_000]),
      lagMs: random.pick([0, 50, 200]),
      faults: random.pick([0, 0, 0.02, 0.1]),
    },
    keys: random.sample(all, random.pick([1, 2, all.length])),
    threads: random.pick([2, 4, 8]),
    reads: random.pick([0.6, 0.8, 0.95]),
    writes: random.sample(numbers, random.pick([2, 6, numbers.length])),
    pausesMs: random.pick([[0], [0, 3], [0, 3, 15, 200]]),
    behindMs: random.pick([20, 100, 1000]),
    signals: random.pick([0, 0, 0.2]),
    clocks: random.chance(0.3),
  }
}

/** Several caches over one database behind a network that delays, reorders and loses; one seed is one history. */
export async function cacheRun(seed: number, steps = 200): Promise<CacheRun> {
  const world = new Simulation({ seed: `cache ${seed}` })
  const { random } = world
  const profile = draw(random)
  const versions = new Versions(world.process())
  const wires: Wire[] = []
  const clients = Array.from({ length: 2 }, (): Client => {
    const process = world.process()
    const options: AtomicLRUCacheOptions = {
      maxItems: random.pick([1, 3, 100]),
      copy: random.chance(0.7),
      ...(random.chance(0.5) ? { maxAgeMs: random.pick([5, 50, 1000]) } : {}),
    }
    const judge = new Judge(versions, world, process, options.maxAgeMs)
    const wire = new Wire(world, process, versions, profile.network, judge.wrote)
    wires.push(wire)
    const cache = new AtomicLRUCache(wire, options)
    return { cache, process, judge, random: random.fork(), copies: options.copy !== false, pulled: [] }
  })
  const run = new Run(world, versions, profile)
  await world.run(() => run.all(clients, steps))
  const faults: Record<string, number> = {}
  for (const wire of wires)
    for (const [name, count] of Object.entries(wire.counts)) faults[name] = (faults[name] ?? 0) + count
  const reads = { default: 0, strong: 0, eventual: 0 }
  for (const { judge } of clients) for (const kind in reads) reads[kind as Kind] += judge.judged[kind as Kind]
  const stats = clients.map(({ cache }) => cache.stats)
  return {
    seed,
    findings: clients.flatMap(({ judge }) => judge.findings),
    operations: run.operations,
    reads,
    hits: stats.reduce((sum, { hits }) => sum + hits, 0),
    coalesced: stats.reduce((sum, { coalesced }) => sum + coalesced, 0),
    faults,
  }
}

class Run {
  operations = 0
  #values = 0

  constructor(
    readonly world: Simulation,
    readonly versions: Versions,
    readonly profile: Profile,
  ) {}

  async all(clients: readonly Client[], steps: number): Promise<void> {
    for (const key of [...items, alone]) await this.versions.watch(key)
    for (const pk of queues) for (const sk of names) await this.versions.watch({ pk, sk })
    const { threads, clocks } = this.profile
    const each = Math.ceil(steps / threads)
    const begun = clients.flatMap((client) =>
      Array.from({ length: threads }, () => this.#thread(client, each)),
    )
    if (clocks) for (const client of clients) this.#disturb(client)
    let over = false
    const behind = this.#behind(() => over)
    await Promise.all(begun)
    over = true
    await behind
    // What was late has arrived.
    await this.#pause(61_000)
    for (const client of clients)
      for (const key of this.versions.keys) await this.#get(client, key, 'default').catch(() => {})
  }

  async #thread(client: Client, steps: number): Promise<void> {
    const { reads, pausesMs } = this.profile
    for (let i = 0; i < steps; i++) {
      this.operations++
      const act = client.random.chance(reads) ? this.#pickRead(client) : this.#pickWrite(client)
      await act().catch((error: unknown) => {
        if (error instanceof TypeError || error instanceof ReferenceError) throw error
      })
      await client.process.sleep(client.random.pick(pausesMs))
    }
  }

  /** One kind at a time: a machine suspended while its wall clock is set back cannot know how long that took. */
  #disturb({ process, random }: Client): void {
    const suspends = random.chance(0.5)
    for (let i = 0; i < 10; i++) {
      this.world.schedule(random.between(0, 3000), () => {
        if (suspends) process.suspend(random.pick([20, 500]))
        else process.stepClock(random.pick([-3000, -40, 40, 3000]))
      })
    }
  }

  /** Another program, which writes without any cache. */
  async #behind(isOver: () => boolean): Promise<void> {
    const db = this.versions.open(this.world.process())
    const random = this.world.random.fork()
    while (!isOver()) {
      const key = random.pick(this.profile.keys)
      await this.versions.apply(
        () => (random.chance(0.8) ? db.set(this.#item(key, random)) : db.delete(key)),
        () => {},
      )
      await this.#pause(random.between(0, this.profile.behindMs))
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.world.schedule(ms, resolve))
  }

  #value(): Value {
    const id = ++this.#values
    return { id, list: [id], bytes: new Uint8Array([id & 255, id >> 8]), deep: { tags: new Set([`t${id}`]) } }
  }

  #item(key: AtomicDbItemKey, random: Random) {
    const ttl = random.chance(0.2)
      ? { ttl: Math.floor(this.world.startAt / 1000 + this.world.time / 1000) + deadlineSeconds }
      : {}
    return { ...key, data: this.#value(), ...ttl }
  }

  #anyKey(random: Random): AtomicDbItemKey {
    return random.chance(0.8) ? random.pick(this.profile.keys) : random.pick(this.versions.keys)
  }

  #signal({ random, process }: Client): { signal?: AbortSignal } {
    if (!random.chance(this.profile.signals)) return {}
    const abort = new AbortController()
    this.world.schedule(random.between(0, 40), () => abort.abort(new Error('enough')), process)
    return { signal: abort.signal }
  }

  /** A reader that spoils what it was given. */
  #take(client: Client, asked: Asked, item: AtomicDbItem | undefined): void {
    client.judge.answer(asked, item)
    if (item === undefined || !client.copies) return
    const data = item.data as Partial<Value> & Record<string, unknown>
    data.list?.push(-1)
    data.bytes?.fill(0)
    data.deep?.tags.add('spoilt')
    Object.assign(data, { id: -1 })
    delete item.ttl
  }

  async #get(client: Client, key: AtomicDbItemKey, kind: Kind): Promise<void> {
    const asked = client.judge.ask(key, kind)
    const item = await client.cache.get(key, { ...consistency(kind, client.random), ...this.#signal(client) })
    this.#take(client, asked, item)
  }

  async #getMany(client: Client, kind: Kind): Promise<void> {
    const keys = Array.from({ length: 1 + client.random.int(4) }, () => this.#anyKey(client.random))
    const asked = keys.map((key) => client.judge.ask(key, kind))
    const options = { ...consistency(kind, client.random), ...this.#signal(client) }
    const found = await client.cache.getMany(keys, options)
    found.forEach((item, i) => {
      this.#take(client, asked[i]!, item)
    })
  }

  async #getLocked(client: Client): Promise<void> {
    const keys = client.random.sample(items, 2)
    const asked = keys.map((key) => client.judge.ask(key, 'strong'))
    const found = await client.cache.getLocked(keys, this.#signal(client))
    found.forEach(({ item }, i) => {
      this.#take(client, asked[i]!, item)
    })
  }

  async #query(client: Client): Promise<void> {
    const asked = items.map((key) => client.judge.ask(key, 'strong'))
    for (const item of await client.cache.query({ pk: 'p', ...this.#signal(client) })) {
      const one = asked.find(({ key }) => key.sk === item.sk)
      if (one) this.#take(client, one, item)
    }
  }

  #pickRead(client: Client): () => Promise<void> {
    const { random } = client
    const key = this.#anyKey(random)
    const share = random.next()
    if (share < 0.45) return () => this.#get(client, key, 'default')
    if (share < 0.55) return () => this.#get(client, key, 'strong')
    if (share < 0.65) return () => this.#get(client, key, 'eventual')
    if (share < 0.8) return () => this.#getMany(client, 'default')
    if (share < 0.86) return () => this.#getMany(client, 'strong')
    if (share < 0.9) return () => this.#getMany(client, 'eventual')
    if (share < 0.95) return () => this.#getLocked(client)
    return () => this.#query(client)
  }

  #pickWrite(client: Client): () => Promise<unknown> {
    const { cache, random } = client
    const key = random.pick(this.profile.keys)
    const others = random.sample(items, 2)
    const options = this.#signal(client)
    const kinds: (() => Promise<unknown>)[] = [
      () => cache.set(this.#item(key, random), options),
      () =>
        cache.set(
          others.map((one) => this.#item(one, random)),
          options,
        ),
      () => cache.delete(key, options),
      () => cache.delete(others, options),
      () => cache.update(key, { set: { id: this.#value().id } }, options),
      () => cache.update(key, { set: { '': this.#value() } }, { if: { id: { gt: 0 } }, ...options }),
      () => cache.update(key, { set: { '': this.#value() } }, { exactlyOnce: true, ...options }),
      () => cache.update(key, { delete: true }, options),
      async () => cache.setAtomic(this.#item(key, random), await cache.getLock(lockKey(key)), options),
      () => cache.transact([{ type: 'setIfAbsent', item: this.#item(key, random) }], options),
      () => this.#transact(client, others, options),
      () => this.#transaction(client, others, options),
      () => this.#push(client, options),
      () => this.#push(client, options),
      () => this.#pull(client, options),
      () => this.#pull(client, options),
      () => this.#finish(client, options),
      () => cache.queuePurge('q', { shards: random.chance(0.5) ? shards : undefined, ...options }),
      () => cache.queuePurge('q#dead', { limit: 1, ...options }),
      () => cache.queueRedrive({ from: 'q#dead', ...(random.chance(0.5) ? { to: 'q' } : {}), ...options }),
      async () => cache.clear(random.chance(0.5) ? key : undefined),
    ]
    return kinds[random.pick(this.profile.writes)]!
  }

  #transact({ cache, random, pulled }: Client, [a, b]: AtomicDbItemKey[], options: object): Promise<unknown> {
    const message = pulled.pop()
    return cache.transact(
      [
        {
          type: 'set',
          item: this.#item(a!, random),
          ...(random.chance(0.3) ? { if: { id: { gt: 0 } } } : {}),
        },
        random.chance(0.5)
          ? { type: 'update', key: b!, changes: { set: { id: this.#value().id } } }
          : { type: 'delete', key: b! },
        { type: 'queuePush', item: { pk: 'q', sk: random.pick(names), data: this.#value() } },
        ...(message ? [{ type: 'queueAcknowledge' as const, item: message }] : []),
      ],
      options,
    )
  }

  #transaction({ cache }: Client, [a, b]: AtomicDbItemKey[], options: object): Promise<unknown> {
    return transaction(
      cache,
      async (tx) => {
        await tx.get(a!)
        tx.set({ ...b!, data: this.#value() })
      },
      { attempts: 2, ...options },
    )
  }

  async #push({ cache, random }: Client, options: object): Promise<void> {
    const named = random.chance(0.7) ? { sk: random.pick(names) } : {}
    const sharded = random.chance(0.3) ? { shards } : {}
    const pushed = await cache.queuePush(
      { pk: 'q', data: this.#value(), ...named },
      { ...sharded, ...options },
    )
    // The database writes it down the moment it is known.
    if (this.versions.keys.length < 25) for (const key of pushed) await this.versions.watch(key)
  }

  async #pull({ cache, random, pulled }: Client, options: object): Promise<void> {
    const { items: found } = await cache.queuePullMany({
      pk: 'q',
      limit: 2,
      ttlSeconds: 1,
      ...(random.chance(0.7) ? { maxReceives: 1 } : {}),
      ...(random.chance(0.3) ? { shards } : {}),
      ...options,
    })
    pulled.push(...found)
  }

  async #finish({ cache, random, pulled }: Client, options: object): Promise<unknown> {
    const message = pulled.pop()
    if (!message) return cache.queuePeek({ pk: 'q', ...options })
    if (random.chance(0.3)) return cache.queueRelease(message, options)
    if (random.chance(0.3)) return cache.queueExtend(message, { ttlSeconds: 5, ...options })
    return cache.queueAcknowledge(random.chance(0.5) ? message : { pk: message.pk, sk: message.sk }, options)
  }
}

const consistency = (kind: Kind, random: Random): { consistent?: boolean } =>
  kind === 'strong'
    ? { consistent: true }
    : kind === 'eventual'
      ? { consistent: false }
      : random.chance(0.9)
        ? {}
        : { consistent: undefined }

/** How often each rule is broken. */
export function byRule(findings: readonly Finding[]): Partial<Record<Rule, number>> {
  const counts: Partial<Record<Rule, number>> = {}
  for (const { rule } of findings) counts[rule] = (counts[rule] ?? 0) + 1
  return counts
}
