import { AtomicMemoryDb, QueueWorker, queueLambda } from 'lockrow'
import {
  callback,
  callbacks,
  counts,
  describeRefusals,
  flag,
  flags,
  type Line,
  ms,
  positive,
  seconds,
  whole,
} from '../setup/bad-input.ts'

const db = new AtomicMemoryDb()
const handler = () => {}

/** What workers and invocations share. */
function linesOfBoth(): Line[] {
  const ways: [string, (options: never) => unknown][] = [
    ['QueueWorker', (options) => new QueueWorker(db, handler, options)],
    ['queueLambda', (options) => queueLambda(db, handler, options)],
  ]
  return ways.flatMap(([name, make]): Line[] => {
    const line = (option: string, values: readonly unknown[], unit: RegExp, field = option): Line => [
      name,
      (value) => make({ pk: 'q', [option]: value } as never),
      values,
      field,
      unit,
    ]
    return [
      line('pk', ['', 5, null], /queue/),
      line('visibilitySeconds', [...positive, 0.5], seconds),
      line('timeoutSeconds', positive, seconds),
      line('backoff', [5, null, 'long'], /object/),
      ...(['baseSeconds', 'maxSeconds'] as const).map((name) =>
        line(
          'backoff',
          [-1, Number.NaN, '1'].map((value) => ({ [name]: value })),
          seconds,
          `backoff.${name}`,
        ),
      ),
      line('backoff', [{ factor: 0.5 }, { factor: '2' }], /number from 1/, 'backoff.factor'),
      line('backoff', [{ jitter: 2 }, { jitter: -1 }], /from 0 to 1/, 'backoff.jitter'),
      line('backoff', [{ base: 1 }], /use 'baseSeconds'/, 'backoff.base'),
      line('retrySeconds', [[1, 5]], /use 'backoff'/, 'options.retrySeconds'),
      line(
        'maxReceives',
        counts.filter((count) => count !== Number.POSITIVE_INFINITY),
        whole,
      ),
      line('deadLetter', ['', 'q', 5], /queue/),
      line('strict', flags, flag),
      line('onEvent', callbacks, callback),
      line('concurrency', counts, whole),
      line('visibilitySecond', [1], /did you mean 'visibilitySeconds'/),
    ]
  })
}

describeRefusals([
  ...linesOfBoth(),
  [
    'QueueWorker',
    (prefetch) => new QueueWorker(db, handler, { pk: 'q', prefetch }),
    counts.filter((count) => count !== 0),
    'prefetch',
    whole,
  ],
  [
    'QueueWorker',
    (batchSize) => new QueueWorker(db, handler, { pk: 'q', batchSize }),
    counts,
    'batchSize',
    whole,
  ],
  [
    'QueueWorker',
    (idleMs) => new QueueWorker(db, handler, { pk: 'q', idleMs }),
    [5, [1], [5, 1]],
    'idleMs',
    /pair|larger/,
  ],
  ['QueueWorker', (idleMs) => new QueueWorker(db, handler, { pk: 'q', idleMs }), [[0, 1]], 'idleMs[0]', ms],
  [
    'queueLambda',
    (reserveMs) => queueLambda(db, handler, { pk: 'q', reserveMs }),
    positive.filter((value) => value !== 0),
    'reserveMs',
    ms,
  ],
])
