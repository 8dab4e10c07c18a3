import { expect, it } from 'vitest'
import { KeyTurns } from '../../src/postgres/key-turns.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Works that end when they are told to. */
function stage() {
  const turns = new KeyTurns()
  const began: string[] = []
  const ends = new Map<string, () => void>()
  const begin = (name: string, keys: string[], signal?: AbortSignal) =>
    turns.run(
      keys,
      () => {
        began.push(name)
        return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
      },
      signal,
    )
  return { begin, began, end: (name: string) => ends.get(name)!() }
}

it('lets those who share a key go one after the other, and all others at once', async () => {
  const { begin, began, end } = stage()
  const all = [begin('ab', ['a', 'b']), begin('bc', ['b', 'c']), begin('c', ['c']), begin('d', ['d'])]
  await turn()
  expect(began).toEqual(['ab', 'd'])
  end('ab')
  await turn()
  expect(began).toEqual(['ab', 'd', 'bc'])
  end('bc')
  await turn()
  end('c')
  end('d')
  expect(await Promise.all(all)).toEqual(['ab', 'bc', 'c', 'd'])
})

it('goes on after one that fails', async () => {
  const turns = new KeyTurns()
  const failed = turns.run(['a'], () => Promise.reject(new Error('no')))
  const next = turns.run(['a'], async () => 'next')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('next')
})

it('lets nobody pass because somebody between has left', async () => {
  const { begin, began, end } = stage()
  const leave = new AbortController()
  const first = begin('first', ['a'])
  const between = begin('between', ['a'], leave.signal)
  const last = begin('last', ['a'])
  leave.abort(new Error('left'))
  await expect(between).rejects.toThrow('left')
  await turn()
  expect(began).toEqual(['first'])
  end('first')
  await turn()
  expect(began).toEqual(['first', 'last'])
  end('last')
  await Promise.all([first, last])
})
