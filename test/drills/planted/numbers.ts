import { change, type Defect } from './defect.ts'

const idempotent = 'coordination/idempotent.ts'
const nonce = 'coordination/nonce-sequence.ts'
const rateLimiter = 'coordination/rate-limiter.ts'

export const numberDefects: readonly Defect[] = [
  {
    name: 'a nonce is given back twice',
    class: 'numbers',
    patches: [
      change(nonce, "if (known?.state === 'released') return\n", ''),
      change(nonce, 'if (row && isBack(row, nonce, by, id)) return\n', ''),
    ],
    drill: 'numbers',
    found: /assigned twice|unexpected/,
  },
  {
    name: 'a reset of nonces is a plain write that may arrive late',
    class: 'numbers',
    patches: [
      change(
        nonce,
        'changes, during(call, { if: isUnchanged }))).applied)',
        'changes, during(call, { if: item ? { n: { gte: 0 } } : isUnchanged }))).applied)',
      ),
    ],
    drill: 'numbers',
    found: /assigned twice|reset undone/,
  },
  {
    name: 'a run whose result cannot be stored runs again',
    class: 'numbers',
    patches: [
      change(
        idempotent,
        '!(await this.#store(lease, { unstorable: true }))',
        '(await removePlace(this.#db, this.#key, this.#place(lease.id), {}), false)',
      ),
    ],
    drill: 'numbers',
    found: /ran again/,
  },
  {
    name: 'a debt is forgotten when its row expires',
    class: 'numbers',
    patches: [
      change(
        rateLimiter,
        '{ add: { at: step }, ttl: this.#ttl(now + slack) }',
        '{ add: { at: step }, ttl: this.#ttl(now) }',
      ),
    ],
    drill: 'rate limiter',
    found: /over the limit/,
  },
]
