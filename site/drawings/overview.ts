import { area, arrow, box, type Kind, line, picture, text } from './draw.ts'

/** The README's picture: one table, and one commit over several of its rows. */

type Row = readonly [pk: string, sk: string, holds: string, what: string, kind: Kind]

const committed: readonly Row[] = [
  ['stock', 'boot', '{ left: 4 }', 'item', 'item'],
  ['stock', 'boot#lock', 'version 01KA2...', 'lock', 'lock'],
  ['orders', 'o-1', "{ product: 'boot' }", 'item', 'item'],
  ['shipping', '01KA3...', "{ order: 'o-1' }", 'message', 'message'],
]
const others: readonly Row[] = [
  ['mutex', 'nightly', 'owner, fencing token 42', 'mutex', 'lease'],
  ['visits', 'today', '1207', 'counter', 'item'],
]

const left = 298
const width = 520
const rowHeight = 34
const [pkX, skX, holdsX, kindX] = [left + 16, left + 98, left + 196, left + 426]

const row = ([pk, sk, holds, what, kind]: Row, y: number): string[] => [
  text([pkX, y + 22], pk, 'ink mono'),
  text([skX, y + 22], sk, 'ink mono'),
  text([holdsX, y + 22], holds, 'soft mono'),
  box([kindX, y + 5], 78, 24, [what], kind),
]

const top = 84
const second = top + committed.length * rowHeight + 18
const bottom = second + others.length * rowHeight

export const overview = picture(
  'One table, one commit',
  'A table with items, a lock, a message, a mutex and a counter. One handler changes an item, its lock, another item and a message in one commit; a second handler that read the same lock is refused with RaceCondition.',
  [840, bottom + 58],
  [
    box(
      [22, 92],
      206,
      92,
      ['Handler A', 'sells a boot: stock, order', 'and the message to ship it'],
      'plain',
    ),
    box([22, 232], 206, 74, ['Handler B', 'read the same stock before'], 'plain'),
    area([left, 22], width, bottom - 22 + 14, 'plain'),
    text([left + 16, 46], 'your DynamoDB table', 'ink strong'),
    text([pkX, 70], 'pk', 'soft small'),
    text([skX, 70], 'sk', 'soft small'),
    text([holdsX, 70], 'holds', 'soft small'),
    area([left + 8, top], width - 16, committed.length * rowHeight, 'good'),
    ...committed.flatMap((one, i) => row(one, top + i * rowHeight)),
    line([left + 8, second - 9], [left + width - 8, second - 9], 'dashed'),
    ...others.flatMap((one, i) => row(one, second + i * rowHeight)),
    arrow([
      [228, 138],
      [left + 6, 138],
    ]),
    text([232, 120], 'one', 'ink small'),
    text([232, 133], 'commit', 'ink small'),
    arrow(
      [
        [228, 269],
        [262, 269],
        [262, 204],
        [left + 6, 204],
      ],
      'bad',
    ),
    text([22, 330], 'RaceCondition: nothing is written,', 'ink small'),
    text([22, 348], 'and B decides again', 'ink small'),
    text(
      [left, bottom + 40],
      'All rows of a commit are written, or none: also when a reply is lost or a process dies.',
      'soft small',
    ),
  ],
)
