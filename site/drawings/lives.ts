import { area, arrow, box, line, picture, text } from './draw.ts'

/** The pictures of docs/queue.md and docs/coordination.md. */

export const messageLife = picture(
  'The life of a message',
  'A push makes a message ready, or scheduled when it has a delay. A pull claims it with a receipt: it is in flight. It is acknowledged and gone; or released, or its time is over, and it is ready again; or failed too often and a dead letter, until a redrive.',
  [840, 316],
  [
    box([24, 116], 96, 54, ['queuePush']),
    box([196, 28], 132, 54, ['scheduled', 'not before its time']),
    box([196, 116], 132, 54, ['ready', 'first in, first out'], 'message'),
    box([452, 116], 150, 54, ['in flight', 'one receipt holds'], 'lock'),
    box([706, 116], 110, 54, ['gone'], 'good'),
    box([452, 238], 150, 54, ['dead letter', 'in <queue>#dead'], 'bad'),
    arrow([
      [120, 143],
      [194, 143],
    ]),
    arrow([
      [72, 116],
      [72, 55],
      [194, 55],
    ]),
    text([80, 46], 'delay or at', 'soft small'),
    arrow([
      [262, 82],
      [262, 114],
    ]),
    text([270, 103], 'due', 'soft small'),
    arrow([
      [328, 132],
      [450, 132],
    ]),
    text([389, 124], 'queuePull', 'soft small', 'middle'),
    arrow([
      [602, 143],
      [704, 143],
    ]),
    text([653, 124], 'acknowledge,', 'soft small', 'middle'),
    text([653, 138], 'with your writes', 'soft small', 'middle'),
    arrow([
      [452, 156],
      [330, 156],
    ]),
    text([390, 173], 'released, failed, or', 'soft small', 'middle'),
    text([390, 188], 'its time is over', 'soft small', 'middle'),
    arrow([
      [544, 116],
      [544, 84],
      [500, 84],
      [500, 114],
    ]),
    text([522, 76], 'queueExtend', 'soft small', 'middle'),
    arrow([
      [527, 170],
      [527, 236],
    ]),
    text([535, 208], 'received too often, or deadLetter(reason)', 'soft small'),
    arrow([
      [452, 265],
      [262, 265],
      [262, 172],
    ]),
    text([352, 257], 'queueRedrive', 'soft small', 'middle'),
    text([24, 290], 'An old receipt changes nothing.', 'soft small'),
  ],
)

const times = { sent: 150, answered: 208, extended: 330, end: 560 }

export const leaseLife = picture(
  'The life of a lease',
  'The lease of A begins before its request is sent. It is extended while A runs. A is frozen, its lease ends by its own clock and its signal fires. B acquires with the next fencing token. A write by A with the old token is refused.',
  [840, 300],
  [
    text([24, 64], 'A, token 41', 'ink strong'),
    text([24, 190], 'B, token 42', 'ink strong'),
    line([130, 78], [816, 78]),
    line([130, 204], [816, 204]),
    area([times.sent, 50], times.end - times.sent, 28, 'lease'),
    text([times.sent + 10, 69], 'lease', 'ink small'),
    line([times.answered, 44], [times.answered, 78], 'dashed'),
    text([times.sent, 36], 'sent', 'soft small', 'middle'),
    text([times.answered, 36], 'answered', 'soft small', 'middle'),
    line([times.extended, 44], [times.extended, 78], 'dashed'),
    text([times.extended, 36], 'extended', 'soft small', 'middle'),
    area([400, 54], times.end - 400, 20, 'bad'),
    text([480, 69], 'frozen', 'ink small', 'middle'),
    text([times.end, 36], 'ends: signal fires', 'soft small', 'middle'),
    text([times.sent, 98], 'it counts from before the request was sent', 'soft small'),
    line([times.end, 44], [times.end, 232], 'dashed'),
    line([230, 190], [600, 190], 'dashed'),
    text([230, 182], 'waits and looks', 'soft small'),
    area([600, 176], 200, 28, 'lease'),
    text([610, 195], 'lease', 'ink small'),
    text([times.end + 6, 228], 'and the clocks may differ by a second', 'soft small'),
    arrow(
      [
        [690, 78],
        [690, 118],
      ],
      'bad',
    ),
    box([600, 120], 216, 40, ['A writes late: refused', 'its token is older than 42'], 'bad'),
    text(
      [24, 278],
      'fencedWrite compares the token with the one that wrote last, whatever the clocks did.',
      'soft small',
    ),
  ],
)
