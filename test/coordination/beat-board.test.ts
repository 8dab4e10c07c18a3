import { expect, test } from 'vitest'
import { BeatBoard } from '../../src/coordination/beat-board.ts'
import { systemRuntime } from '../../src/runtime.ts'

test('the last beat, counted, by whoever has the buffer', () => {
  const writer = new BeatBoard()
  const reader = new BeatBoard(writer.buffer)
  expect(reader.read()).toBeUndefined()
  const began = systemRuntime.monotonic()
  for (let count = 1; count <= 3; count++) {
    writer.write({ wall: 1000 * count, monotonic: began + count })
    const { count: seen, sent } = reader.read()!
    expect([seen, sent.wall]).toEqual([count, 1000 * count])
    // Both boards are of one thread: their clocks agree, to what reading two clocks takes.
    expect(Math.abs(sent.monotonic - (began + count))).toBeLessThan(50)
  }
})
