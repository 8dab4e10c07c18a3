import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { cli } from '../helpers.ts'

it('says what its options are', async () => {
  const { code, out } = await cli(['help', 'console'])
  expect(code).toBe(0)
  for (const option of ['--port', '--queue', '--write', '--demo']) expect(out).toContain(option)
})

it('a port that is taken is said on one line, and nothing is left behind', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = taken.address() as AddressInfo
    const ran = await cli(['console', '--demo', '--port', String(port)])
    expect(ran).toMatchObject({
      code: 2,
      err: `lockrow: port ${port} is in use: give another with --port (0: any that is free)\n`,
    })
  } finally {
    await new Promise((resolve) => taken.close(resolve))
  }
})

it.each(['x', '-1', '70000'])('--port %s is refused', async (port) => {
  expect(await cli(['console', '--demo', '--port', port])).toMatchObject({ code: 2, out: '' })
})
