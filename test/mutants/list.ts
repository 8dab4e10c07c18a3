// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are sources of templates

import type { Patch } from './patch.ts'

export interface Mutant extends Patch {
  name: string
  /** Tests of which one must fail. */
  tests: readonly string[]
}

const memory = [
  'test/conformance/memory.test.ts',
  'test/simulation/regressions.test.ts',
  'test/mutants/survivors.test.ts',
  'test/simulation/sim.test.ts',
]
const dynamo = [
  'test/conformance/dynamo.test.ts',
  'test/engine',
  'test/dynamo',
  'test/mutants/survivors.test.ts',
  'test/testing/faults/fault-injection.test.ts',
]

const of =
  (file: string, tests: readonly string[]) =>
  (name: string, from: string, to: string): Mutant => ({
    name,
    file,
    from,
    to,
    tests,
  })

const schedules = (file: string) => of(`src/schedules/${file}.ts`, ['test/schedules'])
const storage = of('src/memory/storage.ts', memory)
const rowOutcome = of('src/model/row-outcome.ts', memory)
const tokenMemory = of('src/model/token-memory.ts', memory)
const rangePage = of('src/model/range-page.ts', memory)
const partition = of('src/memory/partition.ts', memory)
const tree = of('src/memory/btree.ts', memory)
const scans = of('src/model/scan-page.ts', ['test/model/scan-page.test.ts'])
const retry = of('src/engine/retry.ts', memory)
const rowSteps = of('src/engine/transact/row-step.ts', memory)
const lostReplies = of('src/engine/lost-replies.ts', memory)
const tokens = of('src/engine/transact/token.ts', dynamo)
const calls = of('src/engine/call.ts', dynamo)
const locks = of('src/engine/locks.ts', memory)
const update = of('src/engine/update/update.ts', memory)
const plan = of('src/engine/update/plan.ts', memory)
const dynamoStorage = of('src/dynamo/storage.ts', dynamo)
const batches = of('src/dynamo/batches.ts', dynamo)
const faults = of('src/dynamo/faults.ts', dynamo)
const expressions = of('src/dynamo/expressions.ts', dynamo)
const direct = ['test/direct']
const exchange = of('src/direct/exchange.ts', direct)
const pool = of('src/direct/pool.ts', direct)
const directReply = of('src/direct/reply.ts', direct)
const replyParser = of('src/direct/reply-parser.ts', direct)
const directClient = of('src/direct/client.ts', direct)
const noSdkRetry = of('src/dynamo/no-sdk-retry.ts', dynamo)
const queue = [
  'test/conformance/memory.test.ts',
  'test/engine/lost-replies.test.ts',
  'test/engine/queue',
  'test/simulation/regressions.test.ts',
  'test/drills/drills.test.ts',
]
const claim = of('src/engine/queue/claim.ts', queue)
const hold = of('src/engine/queue/receipts.ts', queue)
const payload = of('src/engine/queue/payload.ts', queue)
const draft = of('src/engine/queue/draft.ts', queue)
const pushExactly = of('src/engine/queue/push-exactly.ts', queue)
const view = of('src/engine/queue/in-flight.ts', queue)
const rescan = of('src/engine/queue/rescan.ts', queue)
const walk = of('src/engine/queue/scan.ts', queue)
const pullPlaces = of('src/engine/queue/pull-places.ts', queue)
const dueShare = of('src/engine/queue/due-share.ts', ['test/engine/queue/due-share.test.ts'])
const places = of('src/engine/queue/places.ts', queue)
const shards = of('src/engine/queue/shards.ts', queue)
const coordination = ['test/coordination', 'test/drills/drills.test.ts']
const vacancy = of('src/coordination/mutex/vacancy.ts', coordination)
const line = of('src/coordination/mutex/ticket-line.ts', coordination)
const heartbeat = of('src/coordination/heartbeat.ts', coordination)
const nonceRing = of('src/coordination/nonce-ring.ts', coordination)
const mutexHold = of('src/coordination/mutex/mutex-hold.ts', coordination)
const certainUpdate = of('src/coordination/certain-update.ts', coordination)
const caching = ['test/lru', 'test/model/forwarding-db.test.ts', 'test/simulation/cache']
const cache = of('src/lru/cache.ts', caching)
const cacheReads = of('src/lru/reads.ts', caching)
const cacheEntries = of('src/lru/entries.ts', caching)
const cacheDoubts = of('src/lru/doubts.ts', caching)
const effects = of('src/model/effects.ts', caching)

export const mutants: readonly Mutant[] = [
  rowOutcome(
    'guards are not looked at',
    'if (operation.guard && !holds(operation.guard, current))',
    'if (false)',
  ),
  tokenMemory('tokens are forgotten', '    return true\n', '    return false\n'),
  storage(
    'rows read are shared',
    'return keys.map((key) => shown(this.#get(key)))',
    'return keys.map((key) => this.#get(key))',
  ),
  rangePage(
    'a page ignores its prefix',
    'prefix !== undefined && sk.startsWith(prefix)',
    'prefix !== undefined',
  ),
  rangePage('a page has one row too many', 'if (read++ === limit)', 'if (read++ > limit)'),
  storage(
    'a reversed page starts below its prefix',
    "utf8Order(prefix) + (reverse ? '\\uffff' : '')",
    'utf8Order(prefix)',
  ),
  partition('the start is included', 'if (hit && !inclusive) at++', ''),
  scans('a scan begins with the row it ended with', 'utf8Order(row.sk) <= sk', 'utf8Order(row.sk) < sk'),
  scans('a scan counts what it returns alone', '    scanned++\n    last', '    last'),
  tree('the order of the tree is by UTF-16', '(a < b ? -1 : a > b ? 1 : 0)', '(a < b ? 1 : a > b ? -1 : 0)'),
  partition(
    'small partitions are not in order',
    'if (keys[middle]! < key) low = middle + 1',
    'if (keys[middle]! <= key) low = middle + 1',
  ),
  retry('a lost reply is forgotten when the retries are used up', 'if (doubt.unanswered)', 'if (false)'),
  retry(
    'writes that must happen once are repeated',
    "if (leavesDoubt(error) && repeatable === 'once') throw error",
    '',
  ),
  retry('nothing is retried', 'if (attempt >= (retry.attempts ?? defaultAttempts) ||', 'if (attempt >= 1 ||'),
  lostReplies(
    'a late request is not thought of',
    'end.failed.length === 0 || !doubt.unanswered || final(end.failed)',
    'true',
  ),
  lostReplies(
    'a token that is taken counts as free',
    "error.kind === 'mismatch' && !token.isExpiry(error)) return 'applied'",
    "error.kind === 'mismatch' && !token.isExpiry(error)) return 'refused'",
  ),
  tokens('a token never expires', 'if (this.#age() <= limitMs) return', 'if (true) return'),
  tokens('an answer about a forgotten token counts', '    this.#check(rememberedMs)\n', ''),
  calls('a deadline is not watched', 'if (this.left <= 0) throw tooLate()', ''),
  rowSteps(
    'a bump compares nothing',
    'guard: unchanged(lock, now),\n  }))\n  step.isProof',
    '}))\n  step.isProof',
  ),
  locks(
    'the version of a lock is not compared',
    "allGuards({ op: 'eq', left: { path: ['version'] }, right: { value: lock.version } }, isLiveGuard(now))",
    'isLiveGuard(now)',
  ),
  locks(
    'a lock that has expired still counts',
    'right: { value: lock.version } }, isLiveGuard(now))',
    'right: { value: lock.version } })',
  ),
  locks('a lock is made over another one', '    guard: isVacantGuard(now),\n', ''),
  locks(
    'the second reading is left out',
    'found[i].version === lock.version)) continue',
    'found[i].version === lock.version)) void 0',
  ),
  update('a doubtful update is done again', 'throw unresolved(request.key, doubt)', 'continue'),
  update('our own write is not recognized', '(row !== undefined && row.w === request.writeId)', 'false'),
  plan(
    'an expired item is updated',
    'const guards: (Guard | undefined)[] = [isLiveGuard(now), notLock, guard]',
    'const guards: (Guard | undefined)[] = [notLock, guard]',
  ),
  plan(
    'a lock is updated',
    'const guards: (Guard | undefined)[] = [isLiveGuard(now), notLock, guard]',
    'const guards: (Guard | undefined)[] = [isLiveGuard(now), guard]',
  ),
  dynamoStorage(
    'reads are eventual',
    '{ TableName, Key: wireKey(keys[0]!), ConsistentRead }',
    '{ TableName, Key: wireKey(keys[0]!), ConsistentRead: false }',
  ),
  dynamoStorage('no token', 'ClientRequestToken: token,', ''),
  dynamoStorage(
    'conditions are not sent',
    'if (operation.guard) compiled.ConditionExpression',
    'if (false) compiled.ConditionExpression',
  ),
  dynamoStorage(
    'a query ends after its first page',
    'return LastEvaluatedKey ? { ...page, next: LastEvaluatedKey.sk!.S! } : page',
    'return page',
  ),
  batches('what is unprocessed is dropped', 'if (!requests || requests.length === 0) return []', 'return []'),
  batches('keys unprocessed are dropped', 'found.set(keyText(keyIn(key)), leftUndone)', 'void keyIn(key)'),
  batches('a batch is too large', 'write: 25', 'write: 26'),
  faults(
    'a conflict is no conflict',
    "if (codes.some((code) => conflicts.has(code))) return new StorageFault('conflict', text, error)",
    '',
  ),
  faults(
    'throttling is final',
    "if (throttling.has(name)) return new StorageFault('throttled', name, error)",
    '',
  ),
  faults('a lost connection is final', 'if (mayHaveArrived(error))', 'if (false)'),
  expressions('a name is written as it is', "'.') + this.#name(step)", "'.') + step"),
  expressions(
    'a missing number does not count as 0',
    'return `if_not_exists(${path}, ${this.value(0)}) + ${value}`',
    'return `${path} + ${value}`',
  ),
  exchange('sent before there is a connection', '  #isSent = false', '  #isSent = true'),
  exchange('what was sent counts as never sent', '    this.#isSent = true\n', ''),
  exchange('the last word is not asked for', 'this.#options.beforeSending?.()', ''),
  pool(
    'old connections are used again',
    'if (connection.idleMs < this.#limits.idleTimeoutMs) break',
    'break',
  ),
  pool('any number of connections', 'this.#all.size < this.#limits.maxSockets', 'true'),
  directReply('the checksum is not looked at', 'Number(sum) !== crc32(body)', 'false'),
  replyParser('two replies in one', 'if (rest.length > missing) {', 'if (false) {'),
  directClient('the clock stays wrong', 'this.#clockOffset = theirs - this.#now()', ''),
  directClient('expired credentials stay', 'this.#credentials.expired(used)', ''),
  directClient('secrets are told', "text = text.replaceAll(secret, '***')", ''),
  noSdkRetry('the SDK may send a request again', 'stack.add(straightOn as never, inPlaceOfRetry)', ''),
  claim(
    "a claim of ours whose reply was lost is nobody's",
    'if (!isHeldBy(result.row, receipt)) {',
    'if (!result.applied) {',
  ),
  view('conflicts change nothing', 'this.#window * (1 + share)', 'this.#window'),
  hold(
    'a payload outlives its message',
    'await dropPayloads(context, [item.payloadKey ?? payloadKeyOf(old)])',
    '',
  ),
  hold(
    'a bare key does not ask for the payload',
    "item.payloadKey === undefined && !('receiveCount' in item)",
    'false',
  ),
  hold(
    'a stale receipt passes after a lost reply',
    'if (left !== undefined && item.receipt !== undefined)',
    'if (false)',
  ),
  payload('a payload expires with its message', 'ttl: row.ttl + daySeconds', 'ttl: row.ttl'),
  payload('payloads are shown by queries', 'version: row.sk, ', ''),
  draft(
    'a large message is pushed without a token',
    'draft.unique !== undefined || draft.payload !== undefined',
    'draft.unique !== undefined',
  ),
  pushExactly('the payload of a push that was refused stays', 'if (wasRefused(error))', 'if (false)'),
  rescan('rescans cost what they like', 'if (budget.units < 1) return 0', ''),
  view('a push is not remembered', 'if (!isBeyond(sk, this.#frontier)) this.becomesDue(sk, due)', 'void due'),
  walk('deadlines of others are not noticed', 'inFlight.rescan.noticeDeadline(row.due)', 'void 0'),
  walk(
    'nothing is looked for behind the frontier',
    'if (pull.rows.length === 0 && (!pull.part || pull.isCollecting))',
    'if (false)',
  ),
  shards(
    'a group is anywhere',
    'item.group ?? item.sk ?? item.deduplicationId',
    'item.sk ?? item.deduplicationId',
  ),
  pullPlaces('a busy shard hides the others', 'if (isBusy) await lookAt(', 'if (false) await lookAt('),
  pullPlaces('pointers are never collected', 'over !== undefined && page.rows.length === 0', 'false'),
  places('no turns', 'place.servedAt = ++this.#turn', 'place.servedAt = 0'),
  vacancy(
    'a lease is not compared with the clock',
    'until: { lt: now - toleranceMs, type',
    'until: { lt: now + 60_000, type',
  ),
  vacancy("a late request of ours is nobody's", '!this.abandoned.has(row.owner) && ', ''),
  certainUpdate('what was given up stays where it arrives late', 'await takeAway()\n      return', 'return'),
  mutexHold(
    'an extension that was lost passes for done',
    'if (row?.owner !== this.id) throw this.#lost(result.item)',
    'if (row?.owner !== this.id) return sent',
  ),
  line('tickets do not lapse', 'before.some(({ until }) => until >= lapsed)', 'before.length > 0'),
  line('tickets are not kept', 'if (row!.line![place]!.until - now > lifetime / 2) return', 'return'),
  heartbeat('a late heartbeat takes back a later one', '{ if: { until: { lt: beat.until } } }', '{}'),
  nonceRing('a nonce given back is told as the last one', 'nonce: entry[1] }', 'nonce: n }'),
  cache('an answer is kept, however old it may be', '&& this.#reads.isNewest(read, item))', ')'),
  cache('eventual answers are kept', 'if (options?.consistent !== false && this', 'if (this'),
  cache(
    'what is kept is not compared with what others are told',
    'if (entry && !sameItem(entry.item, answer.item))',
    'if (false)',
  ),
  cache('reads under way do not hear what others are told', '    this.#reads.tell(text, answer)\n', ''),
  cache('a read that a write has passed is joined', 'return !stale && heard', 'return heard'),
  cache('a read that others have overtaken is joined', 'heard === undefined && this', 'this'),
  cache('a read sent too long ago is joined', '&& this.#entries.isYoung(sent)', ''),
  cache(
    'eventual reads are shared',
    'const shares = options === undefined || isEmpty(options)',
    'const shares = true',
  ),
  cache('consistent reads come from the cache', 'return isEmpty(others)', 'return true'),
  cache('answers are not copied', 'return this.#copy && item', 'return false && item'),
  cache('failed writes are taken for certain', 'if (doubtful) this', 'if (false) this'),
  cache('what goes on after a pull is forgotten', 'if (effect.lingers) this', 'if (false) this'),
  cache(
    'what reads past the cache show is forgotten',
    'effect ? this.#write(effect, call) : this.#show(method, args, call)',
    'effect ? this.#write(effect, call) : call()',
  ),
  cache('partitions are not taken out', 'this.#entries.deletePartition(partition)', ';'),
  cacheReads('reads that begin during a write are kept', 'stale: written || isDoubtful', 'stale: isDoubtful'),
  cacheReads('rows in doubt are kept', 'stale: written || isDoubtful', 'stale: written'),
  cacheReads(
    'overlapping reads that differ are kept',
    '(read.heard === undefined || sameItem(read.heard.item, item))',
    'true',
  ),
  cacheReads(
    'only the first of several other answers counts',
    'else if (read.heard !== answer) read.stale = true',
    '',
  ),
  cacheReads(
    'a write outdates no read of its partition',
    'everything || partitions.includes(read.partition)',
    'everything',
  ),
  cacheEntries(
    'age is measured by the wall clock alone',
    ' && monotonic - sent.monotonic < this.#maxAgeMs',
    '',
  ),
  cacheEntries('age is measured by the monotonic clock alone', 'wall - sent.wall < this.#maxAgeMs && ', ''),
  cacheEntries('expired items are answers', 'this.#runtime.now() < expiresAt && ', ''),
  cacheEntries('evicted items stay in the index', "if (reason !== 'set') this.#unlist(partition, text)", ''),
  cacheDoubts('doubts end at once', 'this.#runtime.monotonic() + lateMs', 'this.#runtime.monotonic()'),
  cacheDoubts('doubts never end', 'if (end > now) break', 'break'),
  cacheDoubts('too many doubts are forgotten', '    this.#everything = until\n  }', '  }'),
  effects('a push with a key changes nothing', "typeof item?.sk === 'string'", 'false'),
  effects('a pull changes nothing', '  ...partitions(options?.pk', '  ...partitions(options?.group'),
  schedules('schedule-row')('a tick goes by the time alone', '  revision,\n  nextAt:', '  nextAt:'),
  schedules('fire-due')(
    'a driver that comes second sends too',
    'key, changes, if: isAsRead(row) }',
    'key, changes }',
  ),
  schedules('fire-due')(
    'no delay before the tick',
    'Math.max(tick, runtime.now() + soonMs)',
    'runtime.now() + soonMs',
  ),
  dueShare('what is due later comes before all shards', 'if (places.awake().length === 0) return', 'return'),
  pullPlaces(
    'nobody looks at shards while enough is due later',
    'places.awake().length === 0) await glance(pull)',
    'places.awake().length < 0) await glance(pull)',
  ),
  schedules('due-ticks')('an endless catch-up', 'fire.length < most', 'fire.length < Infinity'),
  schedules('plan-change')(
    'a change forgets the pause',
    'old.pausedAt === undefined ? nextTick',
    'true ? nextTick',
  ),
]
