import type { Random } from '../random.ts'

const most = 1000
const reads = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan'])

/** The same read, whatever its consistency. */
const question = (action: string, body: string): string =>
  `${action} ${body.replace(/,?"ConsistentRead":(true|false)/, '')}`

/** Earlier replies to reads, which were true then: what an eventually consistent read may see. */
export class OldReplies<Reply> {
  readonly #replies = new Map<string, Reply>()

  static isRead(action: string): boolean {
    return reads.has(action)
  }

  find(action: string, body: string): Reply | undefined {
    if (!reads.has(action) || body.includes('"ConsistentRead":true')) return undefined
    return this.#replies.get(question(action, body))
  }

  /** Kept for a while, so that it has time to become old. */
  keep(action: string, body: string, reply: Reply, random: Random): void {
    const asked = question(action, body)
    if (!this.#replies.has(asked) || random.chance(0.2)) this.#replies.set(asked, reply)
    if (this.#replies.size > most) this.#replies.delete(this.#replies.keys().next().value!)
  }
}
