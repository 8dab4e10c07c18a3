import { change, type Defect } from './defect.ts'

const notify = 'model/notify.ts'
const handling = 'worker/handling.ts'
const worker = 'worker/queue-worker.ts'
const pull = 'worker/pull-messages.ts'
const lambda = 'worker/invocation.ts'
const backoff = 'worker/backoff.ts'
const limits = 'worker/consumer-limits.ts'
const exactlyOnce = 'worker/exactly-once.ts'
const settle = 'worker/settle.ts'
const claim = 'engine/queue/claim.ts'
const deadLetters = 'engine/queue/dead-letters.ts'
const messages = 'model/message-row.ts'
const push = 'engine/queue/push.ts'
const receipts = 'engine/queue/receipts.ts'
const strict = 'engine/queue/strict-order.ts'
const view = 'engine/queue/in-flight.ts'

const blockage: Defect[] = [
  {
    name: 'a message has no room for its receipt and blocks its queue',
    class: 'blockage',
    patches: [
      change(messages, 'if (fitsOneRow(row, most)) return', 'if (rowBytes(row) > 0) return'),
      change(
        claim,
        'if (result.refused) return await buryTooLarge(pull, result.row)',
        'if (result.refused) throw result.refused',
      ),
    ],
    drill: 'queue, worker',
    found: /lost|no progress|unexpected/,
  },
  {
    name: 'a lost acknowledgement by bare key counts as done',
    class: 'blockage',
    patches: [
      change(
        receipts,
        '(item.receipt === undefined || result.row.r === item.receipt)',
        'result.row.r === item.receipt',
      ),
    ],
    drill: 'queue, bare keys',
    found: /came back|still there|still held/,
  },
]

const order: Defect[] = [
  {
    name: 'a lone consumer takes any of the first messages',
    class: 'order',
    patches: [change(view, '#window = 1', '#window = 8')],
    drill: 'queue, plain',
    found: /order/,
  },
  {
    name: 'what this process gave back comes in the order in which it gave it back',
    class: 'order',
    patches: [change(view, 'due.sort(compareText)\n', '')],
    drill: 'queue, lone consumer',
    found: /order/,
  },
  {
    name: 'two of one group are in flight',
    class: 'order',
    patches: [change(strict, 'if (members.some((one) => one.received && one.due > now)) continue', '')],
    drill: 'queue, strict',
    found: /two of a group|group order/,
  },
]

const works: Defect[] = [
  {
    name: 'the defaults bury what an outage of ten seconds fails',
    class: 'worker',
    patches: [change(backoff, 'const defaults = { baseSeconds: 1,', 'const defaults = { baseSeconds: 0,')],
    drill: 'queue, worker',
    found: /died in an outage/,
  },
  {
    name: 'handlers begin after stop',
    class: 'worker',
    patches: [
      change(
        handling,
        'if (closing.aborted || signal.aborted || lease.isOver) return { handled: false }',
        'if (signal.aborted || lease.isOver) return { handled: false }',
      ),
    ],
    drill: 'queue, worker',
    found: /begun after stop/,
  },
  {
    name: 'stop waits for a pull however long it takes',
    class: 'worker',
    patches: [
      change(pull, 'limit, signal })', 'limit })'),
      change(worker, 'await orAborted(this.#loop, signal).catch(() => {})', 'await this.#loop'),
    ],
    drill: 'queue, worker',
    found: /slow stop/,
  },
  {
    name: 'handlers begin on claims that are over',
    class: 'worker',
    patches: [
      change(
        handling,
        'if (closing.aborted || signal.aborted || lease.isOver) return { handled: false }',
        'if (closing.aborted) return { handled: false }',
      ),
    ],
    drill: 'queue, worker',
    found: /begun aborted|two at once/,
  },
  {
    name: 'what was claimed ahead and never handled counts as received',
    class: 'worker',
    patches: [change(settle, '{ uncounted: true, signal }', '{ signal }')],
    drill: 'queue, worker',
    found: /died unhandled|counted/,
  },
  {
    name: 'an observer that throws ends the worker',
    class: 'worker',
    patches: [change(notify, '} catch {}', '} catch (error) {\n    throw error\n  }')],
    drill: 'queue, worker',
    found: /unexpected|unhandled|lost|no progress/,
  },
]

const invocations: Defect[] = [
  {
    name: 'a pull goes on when the time of the invocation is up',
    class: 'lambda',
    patches: [change(pull, 'limit, signal })', 'limit })')],
    drill: 'queue, lambda',
    found: /outlives its deadline/,
  },
  {
    name: 'a failed pull disarms the alarm of the invocation',
    class: 'lambda',
    patches: [
      change(
        lambda,
        'await this.#untilOver(drains)\n      done.abort()',
        'done.abort()\n      await this.#untilOver(drains)',
      ),
    ],
    drill: 'queue, lambda',
    found: /outlives its deadline/,
  },
  {
    name: 'a short invocation has no time for anything',
    class: 'lambda',
    patches: [change(lambda, 'Math.min(5000, remainingMs / 4)', '5000')],
    drill: 'queue, lambda',
    found: /no time/,
  },
]

const outcomes: Defect[] = [
  {
    name: 'a snooze counts as received',
    class: 'outcomes',
    patches: [change(settle, '    uncounted: true,\n    ...(reason', '    ...(reason')],
    drill: 'queue, outcomes and limits',
    found: /lost|wrong effect|counted wrong|not buried/,
  },
  {
    name: 'the last failure waits for the next pull',
    class: 'outcomes',
    patches: [
      change(
        settle,
        'else if (item.receiveCount >= maxReceivesOf(options)) await buried',
        'else if (item.receiveCount > 1e9) await buried',
      ),
    ],
    drill: 'queue, outcomes and limits',
    found: /not buried at once/,
  },
  {
    name: 'the time that a handler asks for is forgotten',
    class: 'outcomes',
    patches: [change(backoff, 'Math.max(0, Math.ceil((at - now) / 1000))', '0')],
    drill: 'queue, outcomes and limits',
    found: /too early/,
  },
  {
    name: 'what an exactly-once handler wrote commits although it wants the message back',
    class: 'outcomes',
    patches: [change(exactlyOnce, 'if (result instanceof QueueOutcome) return tx.rollback(result)\n', '')],
    drill: 'queue, outcomes and limits',
    found: /wrong effect|done against its will|lost/,
  },
  {
    name: 'a handler begins without a permit of its group',
    class: 'outcomes',
    patches: [
      change(
        limits,
        'if (this.#groups && item.group !== undefined)',
        'if (this.#groups && item.group === ``)',
      ),
    ],
    drill: 'queue, outcomes and limits',
    found: /too many of a group/,
  },
  {
    name: 'nobody asks whether the rate allows another one',
    class: 'outcomes',
    patches: [change(limits, 'await this.#rate?.pass(signal)', 'void this.#rate')],
    drill: 'queue, outcomes and limits',
    found: /too fast/,
  },
]

const moves: Defect[] = [
  {
    name: 'one id in two groups makes two messages',
    class: 'moves',
    patches: [change('engine/queue/draft.ts', 'const queue = queueOfShard(row.pk)', 'const queue = row.pk')],
    drill: 'queue, other shards',
    found: /pushed twice/,
  },
  {
    name: 'a message goes from dead letters to dead letters for ever',
    class: 'moves',
    patches: [
      change(deadLetters, 'before?.from === deadLetter || (dl.hops ?? 0) > maxHops', 'false as boolean'),
    ],
    drill: 'queue, dead letters in a circle',
    found: /in circles/,
  },
  {
    name: 'a single push whose reply was lost overwrites what is in processing',
    class: 'moves',
    patches: [
      change(push, "{ op: 'put', row, guard: isVacantGuard(nowSeconds(context)) }", "{ op: 'put', row }"),
    ],
    drill: 'queue, other shards',
    found: /overwritten/,
  },
]

const later: Defect[] = [
  {
    name: 'a consumer does not hear that the queue is paused',
    class: 'moves',
    patches: [
      change(
        'engine/queue/control.ts',
        'Number(until) > now ? Number(until) : undefined',
        'Number(until) < 0 ? now : undefined',
      ),
    ],
    drill: 'queue, later and paused',
    found: /paused/,
  },
  {
    name: 'a push does not promise that consumers look at what is due later',
    class: 'moves',
    patches: [change('engine/queue/pointers.ts', ' ?? promiseFor(message) ?? []', ' ?? []')],
    drill: 'queue, later and paused',
    found: /forgotten/,
  },
  {
    name: 'a consumer looks once at what is due later, and never again',
    class: 'moves',
    patches: [
      change(
        'engine/queue/scheduled.ts',
        'if (monotonic < schedule.lookedAt + lookMs) return false',
        'if (monotonic > 0) return false',
      ),
    ],
    drill: 'queue, later and paused',
    found: /forgotten/,
  },
]

export const queueDefects: readonly Defect[] = [
  ...later,
  ...blockage,
  ...order,
  ...works,
  ...invocations,
  ...outcomes,
  ...moves,
]
