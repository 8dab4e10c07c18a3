import { arrow, box, line, picture, text } from './draw.ts'

/** The pictures of docs/locking.md and docs/transactions.md. */

const [a, table, b] = [130, 420, 710]
const between = (from: number, to: number, y: number): string =>
  arrow([
    [from, y],
    [to < from ? to + 2 : to - 2, y],
  ])
const above = (x: number, y: number, words: string, look = 'ink small'): string =>
  text([x, y - 7], words, look, 'middle')

export const lockedWrite = picture(
  'A locked write',
  'A and B read an item with its lock, version 1. B writes with version 1 and gets version 2. A writes with version 1 and gets RaceCondition. A reads again and writes with version 2.',
  [840, 352],
  [
    box([a - 70, 20], 140, 34, ['A']),
    box([table - 90, 20], 180, 34, ['item and its lock'], 'item'),
    box([b - 70, 20], 140, 34, ['B']),
    ...[a, table, b].map((x) => line([x, 54], [x, 330], 'dashed')),
    between(table, a, 88),
    above((a + table) / 2, 88, 'getLocked: item, version 1'),
    between(table, b, 118),
    above((b + table) / 2, 118, 'getLocked: item, version 1'),
    between(b, table, 158),
    above((b + table) / 2, 158, 'setAtomic(item, version 1)'),
    box([table - 60, 166], 120, 26, ['version 2'], 'lock'),
    between(a, table, 218),
    above((a + table) / 2, 218, 'setAtomic(item, version 1)'),
    between(table, a, 246),
    above((a + table) / 2, 246, 'RaceCondition: nothing written'),
    between(table, a, 276),
    above((a + table) / 2, 276, 'getLocked: item, version 2'),
    between(a, table, 306),
    above((a + table) / 2, 306, 'setAtomic(item, version 2)'),
    box([table - 60, 312], 120, 26, ['version 3'], 'lock'),
    text([b - 14, 240], 'One request each way,', 'soft small', 'end'),
    text([b - 14, 257], "B's write is not lost.", 'soft small', 'end'),
  ],
)

export const commit = picture(
  'A commit',
  'transaction reads items, runs the callback, and commits: every item must be as it was read. If something changed, the callback runs again; if an own condition fails, it is ConditionFailed; if the reply is lost, it is asked by the token of the request until it is certain.',
  [840, 312],
  [
    box([14, 84], 164, 58, ['read', '1 RRU an item, no locks'], 'item'),
    box([218, 84], 150, 58, ['your callback', 'decides']),
    box([412, 84], 196, 58, ['one request', 'values as read? conditions?'], 'lock'),
    box([676, 84], 140, 58, ['all is written', 'items and messages'], 'good'),
    arrow([
      [178, 113],
      [216, 113],
    ]),
    arrow([
      [368, 113],
      [410, 113],
    ]),
    arrow([
      [608, 113],
      [674, 113],
    ]),
    text([641, 105], 'yes', 'soft small', 'middle'),
    arrow([
      [480, 84],
      [480, 46],
      [99, 46],
      [99, 82],
    ]),
    text([290, 37], 'something else was written meanwhile: again, up to 10 times', 'soft small', 'middle'),
    box([306, 222], 196, 58, ['ConditionFailed', 'nothing is written'], 'bad'),
    arrow([
      [460, 142],
      [460, 220],
    ]),
    text([450, 187], 'your own `if` does not hold', 'soft small', 'end'),
    box([560, 222], 256, 58, ['no reply', 'sent again under the same token'], 'plain'),
    arrow([
      [560, 142],
      [560, 182],
      [640, 182],
      [640, 220],
    ]),
    arrow([
      [746, 222],
      [746, 144],
    ]),
    text([736, 171], 'until it is certain', 'soft small', 'end'),
  ],
)

export const architecture = picture(
  'Who imports whom',
  'An application imports capabilities and the contract, the command line imports capabilities, capabilities import the contract and the model. The engine implements the contract over any storage and imports storage and model. Backends implement storage and import the model. The model imports the contract.',
  [840, 372],
  [
    box([330, 18], 180, 40, ['application']),
    box([24, 18], 150, 40, ['src/cli']),
    box(
      [24, 104],
      390,
      74,
      [
        'capabilities',
        'coordination, worker, jobs, schedules, transactions,',
        'collections, recipes, lru, otel, streams, console',
      ],
      'lease',
    ),
    box([556, 104], 260, 74, ['contract', 'src/interface.ts, src/contract'], 'item'),
    box([24, 286], 200, 62, ['src/model', 'what all of them know'], 'plain'),
    box([322, 226], 204, 62, ['src/engine', 'the contract over any storage'], 'good'),
    box([626, 226], 190, 50, ['src/storage.ts', 'rows, guards, faults'], 'lock'),
    box([602, 304], 214, 50, ['backends', 'dynamo, direct, memory, sqlite'], 'message'),
    arrow([
      [99, 58],
      [99, 102],
    ]),
    arrow([
      [380, 58],
      [380, 102],
    ]),
    arrow([
      [510, 38],
      [686, 38],
      [686, 102],
    ]),
    arrow([
      [414, 128],
      [554, 128],
    ]),
    arrow(
      [
        [470, 226],
        [470, 156],
        [554, 156],
      ],
      'dashed',
    ),
    text([462, 204], 'implements', 'soft small', 'end'),
    arrow([
      [526, 250],
      [624, 250],
    ]),
    arrow([
      [322, 262],
      [180, 262],
      [180, 284],
    ]),
    arrow(
      [
        [721, 304],
        [721, 278],
      ],
      'dashed',
    ),
    text([729, 295], 'implement', 'soft small'),
    arrow([
      [602, 336],
      [226, 336],
    ]),
    arrow([
      [80, 178],
      [80, 284],
    ]),
    arrow([
      [224, 306],
      [590, 306],
      [590, 180],
    ]),
  ],
)
