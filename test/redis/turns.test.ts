import { describe, expect, test } from 'vitest'
import { RowTurns } from '../../src/redis/turns.ts'

describe('turns at a row', () => {
  test('one after the other, each with what the last one has left', async () => {
    const turns = new RowTurns()
    const found: unknown[] = []
    let running = 0
    const add = () =>
      turns.run('a', async (turn) => {
        expect(++running).toBe(1)
        found.push(turn.seen)
        await new Promise(setImmediate)
        turn.seen = String(Number(turn.seen ?? 0) + 1)
        running--
      })
    await Promise.all([add(), add(), add()])
    expect(found).toEqual([undefined, '1', '2'])
    // Nobody waits: nothing is kept.
    await add()
    expect(found.at(-1)).toBeUndefined()
  })

  test('rows do not wait for each other, and one that fails holds up nobody', async () => {
    const turns = new RowTurns()
    let end = () => {}
    const held = turns.run('a', () => new Promise<void>((resolve) => (end = resolve)))
    expect(await turns.run('b', async () => 'b')).toBe('b')
    const failing = turns.run('a', async () => {
      throw new Error('no')
    })
    const after = turns.run('a', async ({ seen }) => seen)
    end()
    await held
    await expect(failing).rejects.toThrow('no')
    expect(await after).toBeUndefined()
  })
})
