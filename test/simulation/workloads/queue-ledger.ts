import type { AtomicDbQueueItem } from '../../../src/interface.ts'
import type { Actor } from './actor.ts'

export interface Message {
  id: number
  pk: string
  producer: string
  /** Its key is a ULID, so that it comes in the order of the pushes. */
  ordered: boolean
  confirmed: boolean
  maybeTwice: boolean
  /** Attempts to finish it, whatever came of them. */
  finishing: number
  /** True time at which somebody was told that it is finished. */
  finishedAt: number | undefined
  deliveries: Delivery[]
}

export interface Delivery {
  message: Message
  item: AtomicDbQueueItem
  /** By the consumer's clock, epoch ms. */
  claimedAt: number
  due: number
  /** Its holder has tried to give it back, or to change its deadline, whatever came of it. */
  givenBack: boolean
  extending: boolean
  /** True time. */
  returnedAt: number
}

interface Body {
  id: number
}

/** What is known about every message, by what producers and consumers were told: the rules of a queue. */
export class QueueLedger {
  readonly messages: Message[] = []

  announce(producer: string, pk: string, ordered: boolean): Message {
    const message: Message = {
      id: this.messages.length,
      pk,
      producer,
      ordered,
      confirmed: false,
      // Until its push has ended, which may send it again.
      maybeTwice: true,
      finishing: 0,
      finishedAt: undefined,
      deliveries: [],
    }
    this.messages.push(message)
    return message
  }

  /** A message was handed out. `begun` is the true time at which the pull began. */
  deliver(
    actor: Actor,
    item: AtomicDbQueueItem<Body>,
    ttlSeconds: number,
    begun: number,
  ): Delivery | undefined {
    const message = this.messages[item.data?.id]
    if (!message || message.pk !== item.pk) {
      actor.anomaly(
        'queue: unexpected',
        `${item.pk} handed out ${JSON.stringify(item.data)}, which nobody pushed`,
      )
      return undefined
    }
    // None is left when the reply took longer than the visibility timeout.
    const due = item.processingTimeout ?? Number.NaN
    const delivery = {
      message,
      item,
      claimedAt: due - ttlSeconds * 1000,
      due,
      givenBack: false,
      extending: false,
      returnedAt: actor.trueNow(),
    }
    if (!message.maybeTwice) this.#checkDelivery(actor, delivery, begun)
    message.deliveries.push(delivery)
    return delivery
  }

  #checkDelivery(actor: Actor, delivery: Delivery, begun: number): void {
    const { message, item } = delivery
    const about = `message ${message.id} of ${message.pk}`
    if (message.finishedAt !== undefined && message.finishedAt < begun)
      actor.anomaly('queue: resurrected', `${about} was handed out after it was finished`)
    if (message.deliveries.some((other) => other.item.receipt === item.receipt))
      actor.anomaly('queue: receipt', `${about} was handed out twice under one receipt`)
    for (const other of message.deliveries) {
      const [first, second] =
        other.item.receiveCount < item.receiveCount ? [other, delivery] : [delivery, other]
      if (first.item.receiveCount === second.item.receiveCount)
        actor.anomaly('queue: count', `${about} was handed out twice as number ${item.receiveCount}`)
      const early = first.due - second.claimedAt
      if (early > actor.skewMs() && !first.givenBack && !first.extending)
        actor.anomaly('queue: duplicated', `${about} was handed out again ${early} ms before its deadline`)
    }
  }

  /** `StaleReceipt`: only right once the deadline has passed, or the holder has given it up. */
  refused(actor: Actor, { message, due, givenBack, extending }: Delivery): void {
    const left = due - actor.trueNow()
    if (left > actor.skewMs() && !givenBack && !extending && message.finishing < 2 && !message.maybeTwice)
      actor.anomaly('queue: fenced', `message ${message.id} was refused ${left} ms before its deadline`)
  }

  extended(actor: Actor, delivery: Delivery, item: AtomicDbQueueItem, begun: number): void {
    delivery.due = item.processingTimeout ?? Number.NaN
    delivery.extending = false
    for (const other of delivery.message.deliveries) {
      const later = other.item.receiveCount > delivery.item.receiveCount && other.returnedAt < begun
      if (later && !delivery.message.maybeTwice)
        actor.anomaly(
          'queue: extended',
          `message ${delivery.message.id} was extended after it was handed out again`,
        )
    }
  }

  finished(actor: Actor, message: Message): void {
    if (message.finishedAt !== undefined && !message.maybeTwice)
      actor.anomaly('queue: finished twice', `message ${message.id} was finished twice`)
    message.finishedAt ??= actor.trueNow()
  }

  /** What a single consumer got out of the queue at the end. */
  drained(actor: Actor, pk: string, left: readonly AtomicDbQueueItem<Body>[]): void {
    const found = new Set(left.map((item) => item.data.id))
    const mine = this.messages.filter((message) => message.pk === pk)
    for (const message of mine) {
      if (message.confirmed && message.finishing === 0 && !found.has(message.id))
        actor.anomaly('queue: lost', `message ${message.id} of ${pk} was confirmed, and is gone`)
      if (message.finishedAt !== undefined && !message.maybeTwice && found.has(message.id))
        actor.anomaly(
          'queue: resurrected',
          `message ${message.id} of ${pk} is still there after it was finished`,
        )
    }
    const last = new Map<string, number>()
    for (const { data } of left) {
      const message = this.messages[data.id]
      if (!message?.ordered) continue
      if ((last.get(message.producer) ?? -1) > data.id)
        actor.anomaly('queue: order', `${message.producer}'s message ${data.id} came after a later one`)
      last.set(message.producer, data.id)
    }
  }
}
