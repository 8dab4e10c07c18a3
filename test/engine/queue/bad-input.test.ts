import { AtomicMemoryDb } from 'lockrow'
import { describeRefusals, type Line, positive, seconds, whole } from '../../setup/bad-input.ts'

const db = new AtomicMemoryDb()
const texts = ['', 5, null, {}, '\ud800']
const key = { pk: 'q', sk: '0', receipt: 'r' }

const push = (field: string, values: readonly unknown[], unit: RegExp): Line => [
  'queuePush',
  (value) => db.queuePush({ pk: 'q', [field]: value } as never),
  values,
  field,
  unit,
]
const named = (method: 'queueAcknowledge' | 'queueRelease', field: 'pk' | 'sk'): Line => [
  method,
  (value) => db[method]({ ...key, [field]: value } as never),
  texts,
  field,
  /text|string|empty|surrogate/,
]

describeRefusals([
  push('pk', [...texts, 'x'.repeat(2049)], /text|string|empty|bytes|surrogate/),
  push('sk', [...texts, 'x'.repeat(1025)], /text|string|empty|bytes|surrogate/),
  push('group', [...texts, 'x'.repeat(129)], /1 to 128 bytes/),
  push('priority', ['hihg', 'HIGH', '', 0, 3, -1, null, {}], /'high', 'normal' or 'low'/),
  push('deduplicationId', [...texts, 'x'.repeat(513)], /1 to 512 bytes/),
  push('delaySeconds', [-1, 0.5, Number.NaN, '5', 1e12], seconds),
  push('delay', [5], /delaySeconds/),
  named('queueAcknowledge', 'pk'),
  named('queueAcknowledge', 'sk'),
  named('queueRelease', 'pk'),
  named('queueRelease', 'sk'),
  [
    'queueExtend',
    (ttlSeconds) => db.queueExtend(key as never, { ttlSeconds }),
    [...positive, 0.5],
    'ttlSeconds',
    seconds,
  ],
  [
    'queueRelease',
    (delaySeconds) => db.queueRelease(key, { delaySeconds }),
    [-1, 0.5, '5'],
    'delaySeconds',
    seconds,
  ],
  ['queuePullMany', (limit) => db.queuePullMany({ pk: 'q', limit }), [0, -1, 0.5, '1'], 'limit', whole],
  ['queuePull', (pk) => db.queuePull({ pk }), texts, 'pk', /text|string|empty|surrogate/],
  ['queuePull', (group) => db.queuePull({ pk: 'q', group }), texts, 'group', /1 to 128 bytes/],
  ['queueRedrive', (from) => db.queueRedrive({ from }), texts, 'from', /text|string|empty|surrogate/],
])
