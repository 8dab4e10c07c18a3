import type { AtomicDbItem } from '../../../src/interface.ts'
import type { Random } from '../../../src/testing/random.ts'
import type { Outcome } from './actor.ts'

export interface Entry {
  sk: string
  begun: number
  /** When its append was answered. */
  ended: number
  outcome: Outcome | undefined
}

interface Deletion {
  /** Up to this one; undefined: all. */
  to: string | undefined
  begun: number
  ended: number
  done: boolean
}

interface Scan {
  from?: string | undefined
  reverse?: boolean
  /** When it began. */
  since: number
}

const never = Number.POSITIVE_INFINITY

/**
 * What must and what cannot be in a range, by the order in which calls began and ended. Keys grow and are used once.
 * An append of unknown outcome may show up at any time.
 */
export class RangeLedger {
  readonly #entries: Entry[] = []
  readonly #deletions: Deletion[] = []
  #moment = 0

  now(): number {
    return ++this.#moment
  }

  announce(): Entry {
    const sk = `e${String(this.#entries.length).padStart(6, '0')}`
    const entry: Entry = { sk, begun: this.now(), ended: never, outcome: undefined }
    this.#entries.push(entry)
    return entry
  }

  appended(entries: readonly Entry[], outcome: Outcome): void {
    const ended = this.now()
    for (const entry of entries) Object.assign(entry, { ended, outcome })
  }

  deletes(to: string | undefined): Deletion {
    const deletion: Deletion = { to, begun: this.now(), ended: never, done: false }
    this.#deletions.push(deletion)
    return deletion
  }

  deleted(deletion: Deletion, done: boolean): void {
    Object.assign(deletion, { ended: this.now(), done })
  }

  pick(random: Random): Entry | undefined {
    return this.#entries.length === 0 ? undefined : random.pick(this.#entries.slice(-20))
  }

  /** How many entries may have been written. */
  possible(): number {
    return this.#entries.filter(({ outcome }) => outcome !== 'fail').length
  }

  /** What is wrong with a read that ends now. */
  judge(items: readonly AtomicDbItem[], { from, reverse, since }: Scan): string[] {
    const wrong: string[] = []
    const seen = new Set<string>()
    let before: string | undefined
    for (const { sk, data } of items) {
      if (before !== undefined && (reverse ? sk >= before : sk <= before))
        wrong.push(`order: ${sk} comes after ${before}`)
      before = sk
      seen.add(sk)
      const entry = this.#entries[Number(sk.slice(1))]
      if (entry?.sk !== sk || data !== sk) wrong.push(`unknown: ${sk} is no entry`)
      else if (from !== undefined && sk < from) wrong.push(`outside: ${sk} lies before ${from}`)
      else if (this.#isOut(entry, since)) wrong.push(`not there: ${sk} ${this.#show(entry)}, and is read`)
    }
    for (const entry of this.#within(from))
      if (!seen.has(entry.sk) && this.#isIn(entry, since))
        wrong.push(`missing: ${entry.sk} was written and not deleted, and is not read`)
    return wrong
  }

  judgeCount(count: number, from: string | undefined, since: number): string[] {
    const entries = this.#within(from)
    const least = entries.filter((entry) => this.#isIn(entry, since)).length
    const most = entries.filter((entry) => !this.#isOut(entry, since)).length
    return count < least || count > most ? [`count: ${count}, and there are ${least} to ${most}`] : []
  }

  #within(from: string | undefined): Entry[] {
    return this.#entries.filter(({ sk }) => from === undefined || sk >= from)
  }

  #show({ outcome }: Entry): string {
    return outcome === 'fail' ? 'was refused' : 'was deleted'
  }

  /** There all the time since then. */
  #isIn(entry: Entry, since: number): boolean {
    if (entry.outcome !== 'ok' || entry.ended > since) return false
    return !this.#deletions.some((one) =>
      one.to === undefined ? entry.begun < one.ended : entry.sk <= one.to,
    )
  }

  /** Refused, or deleted before then after it was certainly there. */
  #isOut(entry: Entry, since: number): boolean {
    if (entry.outcome === 'fail') return entry.ended < since
    if (entry.outcome !== 'ok') return false
    return this.#deletions.some(
      ({ to, begun, ended, done }) =>
        done && ended < since && entry.ended < begun && (to === undefined || entry.sk <= to),
    )
  }
}
