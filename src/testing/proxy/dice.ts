import { Random } from '../random.ts'
import { type ProxyFault, type ProxyFaultRates, zeroProxyCounts, zeroSocketCounts } from './kinds.ts'
import type { ProxyRequest } from './request.ts'

const single = new Set(['PutItem', 'UpdateItem', 'DeleteItem'])
const conflicting = (request: ProxyRequest): boolean =>
  single.has(request.action) || request.action.startsWith('Transact')

/** One of these may be the fate of a request, and to which requests it can happen. */
const fates: [ProxyFault, (request: ProxyRequest) => boolean][] = [
  ['late', ({ isWrite }) => isWrite],
  ['inProgress', ({ action, token }) => action === 'TransactWriteItems' && token !== undefined],
  ['dropReply', () => true],
  ['cutAfter', () => true],
  ['serverError', () => true],
  ['unavailable', () => true],
  ['socket', () => true],
  ['throttle', () => true],
  ['conflict', conflicting],
  ['clockSkew', () => true],
  ['partialBatch', ({ action, rows }) => action.startsWith('Batch') && rows.length > 1],
  ['duplicate', ({ isWrite, isRepeatable }) => isWrite && isRepeatable],
  ['replyTwice', () => true],
  ['corrupt', () => true],
]

/** Chance, and how often it struck. */
export class Dice {
  rates: ProxyFaultRates
  readonly counts = zeroProxyCounts()
  readonly sockets = zeroSocketCounts()
  readonly random: Random

  constructor(seed: number, rates: ProxyFaultRates) {
    this.random = new Random(seed)
    this.rates = rates
  }

  happens(fault: ProxyFault): boolean {
    const rate = this.rates[fault]
    if (!rate || !this.random.chance(rate)) return false
    this.counts[fault]++
    return true
  }

  cut(): 'cutBefore' | 'cutDuring' | undefined {
    return (['cutBefore', 'cutDuring'] as const).find((fault) => this.happens(fault))
  }

  /** `cuts`: the connection has not been cut before the request was seen, so that it may be now. */
  fate(request: ProxyRequest, cuts: boolean): ProxyFault | undefined {
    const cut = cuts ? this.cut() : undefined
    if (cut) return cut
    return fates.find(([fault, fits]) => this.rates[fault] && fits(request) && this.happens(fault))?.[0]
  }
}
