import { change, type Defect } from './defect.ts'

const promises = 'engine/queue/promises.ts'
const places = 'engine/queue/places.ts'
const pull = 'engine/queue/pull-places.ts'
const list = 'engine/queue/pointer-list.ts'
const push = 'engine/queue/push.ts'
const family = 'queue, pointers of a family'

/** Ways to forget a message: its pointer is not there, or goes away while it is on its way. */
export const pointerDefects: readonly Defect[] = [
  {
    name: 'a pointer is collected without waiting for its end',
    class: 'pointers',
    patches: [
      change(
        places,
        'return this.until !== undefined && hasEnded(this.until, now) ? this.until : undefined',
        'return this.until !== undefined && now > 0 ? this.until : undefined',
      ),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a pointer is collected after an eventual look',
    class: 'pointers',
    patches: [
      change(pull, 'const isStrong = over !== undefined || !isEventual', 'const isStrong = !isEventual'),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a pointer is collected while something is in flight',
    class: 'pointers',
    patches: [change(pull, 'over !== undefined && page.rows.length === 0', 'over !== undefined')],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a pointer is written beside the push, not before it',
    class: 'pointers',
    patches: [
      change(
        push,
        'const pointed = await pointedAt(context, [row])',
        'const pointed = context\n  void pointedAt(context, [row]).catch(() => {})',
      ),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a pointer that was seen once is relied on for ever',
    class: 'pointers',
    patches: [
      change(
        promises,
        'return this.clock.now() < Math.max(own.get(id) ?? 0, this.#ends.get(id) ?? 0)',
        'return own.has(id) || this.#ends.has(id)',
      ),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a transaction leaves without its pointer',
    class: 'pointers',
    patches: [
      change(
        'engine/engine.ts',
        'options, queuesPrepared, queuesCommitted',
        'options, undefined, queuesCommitted',
      ),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a consumer whose clock was set forward collects at once',
    class: 'pointers',
    patches: [
      change(pull, 'place.collectable(earliestNow(context))', 'place.collectable(context.runtime.now())'),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
  {
    name: 'a pointer is collected that was raised since',
    class: 'pointers',
    patches: [change(list, "{ op: 'delete', key, guard }", "{ op: 'delete', key }")],
    drill: 'queue, pointers of shards',
    found: /forgotten|lost/,
  },
  {
    name: 'a redrive leaves without its pointer',
    class: 'pointers',
    patches: [
      change(
        'engine/queue/dead-letters.ts',
        'const pointed = await pointedAt(context, [to])',
        'const pointed = context',
      ),
    ],
    drill: family,
    found: /forgotten|lost/,
  },
]
