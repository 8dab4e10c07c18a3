/**
 * A queue with receipts: what was pushed comes out, until it is finished, to one consumer at a time, in order.
 *
 * Operations, `key` is the queue (times in ms by one true clock):
 * - `push` { ids, group?, owned? }  one producer's messages, in their order; `owned`: keys of its own, so no order.
 *      Output `{ twice?, keyTimes? }`. `twice`: sent again after a lost reply, it may bring back what was finished.
 *      `keyTimes`: by which the queue orders them, ms of the producer's clock
 * - `pull` { ttl } -> [{ id, receipt, count }]
 * - `extend` { id, receipt, ttl }, `release` { id, receipt, uncounted? }, `ack` { id, receipt }; output `{ doubt: true }`: a reply was
 *      lost on the way
 * - `drain` -> ids: what a single consumer got out at the end, in order; `dead` -> ids that lie with the dead letters
 *
 * After Jepsen's total-queue (K. Kingsbury, https://github.com/jepsen-io/jepsen), with visibility timeouts added.
 */
import type { Operation } from './operations.ts'
import { type Anomaly, type CheckReport, report, showOperation } from './report.ts'

export type MessageAnomaly =
  | 'lost'
  | 'unexpected'
  | 'duplicated'
  | 'resurrected'
  | 'receipt twice'
  | 'stale receipt accepted'
  | 'order'
  | 'group order'
  | 'two of a group'

export interface MessageOptions {
  /** How far the consumers' clocks may be apart: deadlines that are nearer count as passed. Default 0. */
  skewMs?: number
  /** Pulls were strict: nothing of a group behind one that is in processing. */
  strict?: boolean
  /** Not so for messages that can be seen only after one whose key is newer by more than this. Default: any. */
  lateMs?: number
  /** Nor for those of a push that is `owned`. */
  exceptOwned?: boolean
}

interface Message {
  id: number
  push: Operation
  /** Place in its push. */
  place: number
  group: string | undefined
  owned: boolean
  twice: boolean
  keyTime: number | undefined
  deliveries: Delivery[]
  acks: Operation[]
}

interface Delivery {
  message: Message
  pull: Operation
  receipt: string
  count: number
  /** Its holder has tried to give it back as if it had not been received: the next one may have its count. */
  uncounted: boolean
  /** Surely its holder's since here: its pull, or an extension that came when its time was up already. */
  since: number
  /** Surely still its holder's until here: its deadline, or the first time it was given up. */
  until: number
  /** Times before that. */
  before: Pick<Delivery, 'since' | 'until'>[]
}

interface PushInput {
  ids: number[]
  group?: string
  owned?: boolean
}

interface PushOutput {
  twice?: boolean
  keyTimes?: number[]
}

interface HeldInput {
  id: number
  receipt: string
  ttl?: number
  uncounted?: boolean
}

export function checkMessages(
  operations: readonly Operation[],
  options: MessageOptions = {},
): CheckReport<MessageAnomaly> {
  const anomalies: Anomaly<MessageAnomaly>[] = []
  const stats = { messages: 0, deliveries: 0 }
  for (const key of new Set(operations.map((one) => one.key))) {
    const own = operations.filter((one) => one.key === key)
    const found = (kind: MessageAnomaly, message: string, ...shown: Operation[]) =>
      anomalies.push({
        kind,
        key,
        message: [message, ...shown.map(showOperation)].join('\n'),
        operations: shown,
      })
    const messages = pushed(own)
    deliver(own, messages, found)
    finish(own, messages, found, options.skewMs ?? 0)
    for (const message of messages.values()) oneMessage(message, found)
    ends(own, messages, found)
    if (options.strict) groups(messages, found, options)
    stats.messages += messages.size
    for (const { deliveries } of messages.values()) stats.deliveries += deliveries.length
  }
  return report(anomalies, stats)
}

const isDoubted = ({ output }: Operation): boolean =>
  (output as { doubt?: boolean } | undefined)?.doubt === true

type Found = (kind: MessageAnomaly, message: string, ...shown: Operation[]) => void

function pushed(own: readonly Operation[]): Map<number, Message> {
  const messages = new Map<number, Message>()
  for (const push of own.filter(({ op }) => op === 'push')) {
    const { ids, group, owned = false } = push.input as PushInput
    const told = push.output as PushOutput | undefined
    const twice = push.outcome === 'info' || told?.twice === true
    ids.forEach((id, place) => {
      const keyTime = told?.keyTimes?.[place]
      messages.set(id, { id, push, place, group, owned, twice, keyTime, deliveries: [], acks: [] })
    })
  }
  return messages
}

function deliver(own: readonly Operation[], messages: Map<number, Message>, found: Found): void {
  const receipts = new Map<string, Operation>()
  for (const pull of own.filter(({ op, outcome }) => op === 'pull' && outcome === 'ok')) {
    for (const { id, receipt, count } of pull.output as { id: number; receipt: string; count: number }[]) {
      const message = messages.get(id)
      if (!message || message.push.start > pull.end || message.push.outcome === 'fail') {
        found('unexpected', `message ${id} was given out, which was never pushed`, pull)
        continue
      }
      const twin = receipts.get(receipt)
      if (twin) found('receipt twice', `receipt ${receipt} was given out twice`, twin, pull)
      receipts.set(receipt, pull)
      const until = pull.startAt + (pull.input as { ttl: number }).ttl
      const since = pull.endAt
      message.deliveries.push({ message, pull, receipt, count, since, until, before: [], uncounted: false })
    }
  }
}

/** What holders did with what they had: until when it was theirs, and whether they were rightly believed. */
function finish(
  own: readonly Operation[],
  messages: Map<number, Message>,
  found: Found,
  skewMs: number,
): void {
  for (const operation of own) {
    if (operation.op !== 'ack' && operation.op !== 'release' && operation.op !== 'extend') continue
    const { id, receipt, ttl, uncounted } = operation.input as HeldInput
    const message = messages.get(id)
    const delivery = message?.deliveries.find((one) => one.receipt === receipt)
    if (!message || !delivery) {
      if (operation.outcome === 'ok')
        found('stale receipt accepted', `nobody was given receipt ${receipt}`, operation)
      continue
    }
    if (operation.op === 'ack') message.acks.push(operation)
    // It only grows; what was not answered may have been refused.
    if (operation.op === 'extend') {
      if (operation.outcome === 'ok') prolong(delivery, operation, operation.startAt + ttl!)
    } else delivery.until = Math.min(delivery.until, operation.startAt)
    if (uncounted) delivery.uncounted = true
    const newer = message.deliveries.find((one) => isLater(one, delivery) && one.pull.end < operation.start)
    // After a lost reply of its own, a holder may be told that the message is gone when somebody else finished it.
    if (operation.outcome === 'ok' && newer && !isDoubted(operation) && !message.twice)
      found('stale receipt accepted', `message ${id} had been given out again`, newer.pull, operation)
  }
  for (const { id, deliveries, twice } of messages.values()) {
    if (twice) continue
    for (const first of deliveries)
      for (const second of deliveries)
        if (first === second) continue
        else if (
          first.count === second.count &&
          first.receipt < second.receipt &&
          !deliveries.some(({ uncounted }) => uncounted)
        )
          found('duplicated', `message ${id} is there twice`, first.pull, second.pull)
        else if (isLater(second, first) && second.pull.endAt < first.until - skewMs)
          found(
            'duplicated',
            `message ${id} was given out again ${first.until - second.pull.endAt} ms before its time`,
            first.pull,
            second.pull,
          )
  }
}

function prolong(delivery: Delivery, { startAt, endAt }: Operation, due: number): void {
  if (startAt > delivery.until) {
    delivery.before.push({ since: delivery.since, until: delivery.until })
    delivery.since = endAt
  }
  delivery.until = Math.max(delivery.until, due)
}

/** Of two deliveries that are certainly one after the other. */
const isLater = (one: Delivery, other: Delivery): boolean =>
  one !== other && (other.uncounted ? one.pull.start > other.pull.end : one.count > other.count)

function oneMessage({ id, deliveries, acks, twice }: Message, found: Found): void {
  if (twice) return
  const done = acks.filter((ack) => ack.outcome === 'ok' && !isDoubted(ack))
  for (const ack of done)
    for (const { pull } of deliveries)
      if (ack.end < pull.start) found('resurrected', `message ${id} came back`, ack, pull)
}

function ends(own: readonly Operation[], messages: Map<number, Message>, found: Found): void {
  const drains = own.filter(({ op, outcome }) => op === 'drain' && outcome === 'ok')
  if (drains.length === 0) return
  const left = drains.flatMap(({ output }) => output as number[])
  const dead = own.filter(({ op }) => op === 'dead').flatMap(({ output }) => output as number[])
  const there = new Set([...left, ...dead])
  const drain = drains[0]!
  for (const { id, push, acks, twice } of messages.values()) {
    const tried = acks.some(({ outcome }) => outcome !== 'fail')
    const done = acks.some((ack) => ack.outcome === 'ok' && !isDoubted(ack) && ack.end < drain.start)
    if (push.outcome === 'ok' && !tried && !there.has(id))
      found('lost', `message ${id} was pushed, and is gone`, push, drain)
    if (done && !twice && there.has(id)) found('resurrected', `message ${id} is still there`, push, drain)
  }
  for (const id of there)
    if (!messages.has(id)) found('unexpected', `message ${id} came out, which was never pushed`, drain)
  const last = new Map<string, Message>()
  for (const id of left) {
    const message = messages.get(id)
    if (!message || message.owned || message.twice) continue
    const producer = String(message.push.client)
    const before = last.get(producer)
    if (before && isBefore(message, before))
      found('order', `message ${id} came after ${before.id}`, message.push, before.push, drain)
    last.set(producer, message)
  }
}

const isBefore = (a: Message, b: Message): boolean =>
  a.push === b.push ? a.place < b.place : a.push.end < b.push.start

function groups(
  messages: Map<number, Message>,
  found: Found,
  { skewMs = 0, lateMs = Number.POSITIVE_INFINITY, exceptOwned = false }: MessageOptions,
): void {
  const byGroup = new Map<string, Message[]>()
  const isLate = (message: Message) =>
    [...messages.values()].some(
      ({ push, keyTime }) => push.start < message.push.end && keyTime! - message.keyTime! > lateMs,
    )
  for (const message of messages.values())
    if (!message.twice && !(message.owned && exceptOwned) && !isLate(message)) {
      const group = message.group ?? ''
      byGroup.set(group, [...(byGroup.get(group) ?? []), message])
    }
  for (const members of byGroup.values())
    for (const one of members)
      for (const { pull } of one.deliveries)
        for (const other of members) {
          if (one === other) continue
          const held = other.deliveries.find(
            (delivery) =>
              delivery.pull.end < pull.start &&
              [...delivery.before, delivery].some(
                ({ since, until }) => since <= pull.startAt && pull.endAt < until - skewMs,
              ),
          )
          if (!held) continue
          const isEarlier = !one.owned && !other.owned && isBefore(other, one)
          const what = `${one.id} was given out while ${other.id} was in processing`
          found(isEarlier ? 'group order' : 'two of a group', what, held.pull, pull)
        }
}
