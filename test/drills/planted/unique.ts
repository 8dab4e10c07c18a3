import { change, type Defect } from './defect.ts'

const unique = 'engine/queue/unique-marker.ts'
const cancel = 'engine/queue/cancel.ts'
const deadLetters = 'engine/queue/dead-letters.ts'
const messages = 'model/message-row.ts'

export const uniqueDefects: readonly Defect[] = [
  {
    name: 'a transaction takes an id whoever has it',
    class: 'uniqueness',
    patches: [
      change(
        'engine/queue/push-steps.ts',
        '(now) => taking(unique, now))',
        '(now) => ({ ...taking(unique, now), guard: undefined }))',
      ),
    ],
    drill: 'queue, unique and cancel',
    found: /two at once/,
  },
  {
    name: 'the marker of another message is taken over, whoever took it meanwhile',
    class: 'uniqueness',
    patches: [
      change(
        unique,
        "{ op: 'put', row: put, guard: { op: 'or', of: [vacant, same] } }",
        "{ op: 'put', row: put }",
      ),
    ],
    drill: 'queue, unique and cancel',
    found: /two at once/,
  },
  {
    name: 'whether the message of a marker is there is read from a replica',
    class: 'uniqueness',
    patches: [
      change(
        unique,
        'const found = await readRows(context, distinct)',
        'const found = await readRows(context, distinct, false)',
      ),
    ],
    drill: 'queue, unique and cancel',
    found: /two at once/,
  },
  {
    name: 'a dead letter comes back without its marker',
    class: 'uniqueness',
    patches: [
      change(
        deadLetters,
        'if (!marker) return move(context, row, to)',
        'if (marker !== null) return move(context, row, to)',
      ),
    ],
    drill: 'queue, unique and cancel',
    found: /two at once/,
  },
  {
    name: 'an id stays taken when its message is gone',
    class: 'uniqueness',
    patches: [
      change(
        unique,
        'if (isHolder(row, marker.row.u!, context.runtime.now())) marker.holder = row',
        'marker.holder = row ?? { ...key, n: 0 }',
      ),
    ],
    drill: 'queue, unique and cancel',
    found: /id not free/,
  },
  {
    name: 'what is in processing is cancelled',
    class: 'uniqueness',
    patches: [
      change(cancel, 'if (!isWaiting(row, now)) return', 'if (!row.pk) return'),
      change(messages, 'right: { value: now - toleranceMs }', 'right: { value: Number.MAX_SAFE_INTEGER }'),
    ],
    drill: 'queue, unique and cancel',
    found: /cancelled in processing|ended twice/,
  },
  {
    name: 'a message that was claimed since it was read is cancelled',
    class: 'uniqueness',
    patches: [
      change(messages, 'right: { value: now - toleranceMs }', 'right: { value: Number.MAX_SAFE_INTEGER }'),
    ],
    drill: 'queue, unique and cancel',
    found: /cancelled in processing|ended twice/,
  },
]
