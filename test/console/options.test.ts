import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { consoleHandler } from 'lockrow/console'
import { describe, expect, it } from 'vitest'
import { consoleSettings } from '../../src/console/options.ts'

const token = 'sixteen-characters'

describe('options of the console', () => {
  it('read only, and no scans, unless said otherwise', () => {
    expect(consoleSettings({ token })).toMatchObject({ write: false, scan: false, basePath: '/', queues: [] })
    expect(consoleSettings({ token, basePath: '/a/b' }).basePath).toBe('/a/b/')
  })

  it.each([
    [undefined, /authorize/],
    [{}, /authorize/],
    [{ token: 'short' }, /16 characters/],
    [{ token, authorise: () => true }, /authori/],
    [{ authorize: true }, /function/],
    [{ token, hosts: 'x' }, /hosts/],
    [{ token, hosts: [''] }, /hosts/],
    [{ token, basePath: 'admin' }, /basePath/],
    [{ token, basePath: '/"><script>' }, /basePath/],
    [{ token, write: 'yes' }, /write/],
    [{ token, scan: 1 }, /scan/],
    [{ token, readOnly: true }, /write/],
    [{ token, queues: ['a', 5] }, /queues/],
    [{ token, meter: {} }, /UnitMeter/],
    [{ token, recording: [] }, /Recording/],
    [{ token, timeoutMs: -1 }, /timeoutMs/],
    [{ token, explain: 'x' }, /explain/],
  ])('%j is refused', (options, message) => {
    const make = () => consoleHandler(new AtomicMemoryDb(), options as never)
    expect(make).toThrow(InvalidInput)
    expect(make).toThrow(message)
  })

  it('and so is what is no database', () => {
    expect(() => consoleHandler({} as never, { token })).toThrow(InvalidInput)
  })
})
