import { path } from 'lockrow'
import { expect, test } from 'vitest'
import { parsePath } from '../../src/model/parse-path.ts'

test.each([
  [['a', 'b', 0, 'c'], 'a.b[0].c'],
  [['a.b', 0], 'a\\.b[0]'],
  [['x[1]', 'back\\slash'], 'x\\[1\\].back\\\\slash'],
  [[0, 'a'], '[0].a'],
  [[], ''],
])('%o is %s, and is read as that again', (segments, text) => {
  expect(path(...segments)).toBe(text)
  expect(parsePath(text, 'path')).toEqual(segments)
})
