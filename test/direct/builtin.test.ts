import type { directClient } from 'lockrow/direct'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { builtin, loading } from '../../src/direct/builtin.ts'
import { fakeServer, reply, secrets } from './fake-server.ts'

test('a module of Node, with nothing to wait for', () => {
  if (process.getBuiltinModule === undefined) return
  expect(loading('node:net')).toBeUndefined()
  expect(builtin('node:net')).toBe(process.getBuiltinModule('node:net'))
})

describe('Node before 20.16', () => {
  const original = process.getBuiltinModule
  beforeEach(() => void Object.assign(process, { getBuiltinModule: undefined }))
  afterEach(() => void Object.assign(process, { getBuiltinModule: original }))

  test('has them as ES modules, once they are loaded', async () => {
    await loading('node:fs/promises')
    expect(builtin('node:fs/promises').readFile).toBe((await import('node:fs/promises')).readFile)
  })

  test('requests go out, also two at once, and large replies are checked', async () => {
    const server = await fakeServer((response) => reply(response, 200, { text: 'x'.repeat(5000) }))
    // As in a process that has loaded nothing.
    vi.resetModules()
    const { directClient: fresh } = (await import('../../src/direct/index.ts')) as {
      directClient: typeof directClient
    }
    const client = fresh({ region: 'eu-west-1', endpoint: server.endpoint, credentials: secrets })
    try {
      const both = await Promise.all([client.call('GetItem', {}), client.call('GetItem', {})])
      expect(both.map(({ text }) => String(text).length)).toEqual([5000, 5000])
    } finally {
      client.destroy()
      await server.stop()
    }
  })
})
