import { expect, it } from 'vitest'
import { newToken, startServer } from '../../../src/cli/console/server.ts'
import { Refusal } from '../../../src/cli/failures.ts'

const token = 'the-token'
const hello = async () => new Response('hello')

it('listens on the loopback interface, with the token in the fragment of its link', async () => {
  const server = await startServer(hello, { port: 0, token })
  try {
    expect(server.link).toBe(`http://127.0.0.1:${server.port}/#token=${token}`)
    expect(await (await fetch(server.link)).text()).toBe('hello')
  } finally {
    await server.stop()
  }
  await expect(fetch(server.link)).rejects.toThrow()
})

it('says what to do when the port is taken', async () => {
  const first = await startServer(hello, { port: 0, token })
  try {
    const second = startServer(hello, { port: first.port, token })
    await expect(second).rejects.toThrow(Refusal)
    await expect(second).rejects.toThrow(/--port/)
  } finally {
    await first.stop()
  }
})

it('no two tokens are the same', () => {
  const tokens = Array.from({ length: 100 }, newToken)
  expect(new Set(tokens).size).toBe(100)
  expect(tokens.every((one) => /^[\w-]{32}$/.test(one))).toBe(true)
})
