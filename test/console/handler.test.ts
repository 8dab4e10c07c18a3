import { AtomicMemoryDb, BackendError } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { consoleOf } from '../setup/console.ts'

const writes = [
  'message.delete',
  'message.release',
  'message.edit',
  'message.redrive',
  'queue.redrive',
  'queue.pause',
  'queue.resume',
  'schedule.pause',
  'schedule.resume',
  'schedule.remove',
  'lease.forceRelease',
  'item.save',
  'item.delete',
]

describe('calls', () => {
  it.each(writes)('%s is refused without write, whatever is sent', async (name) => {
    const { ask } = consoleOf(new AtomicMemoryDb(), { write: false })
    const given = { pk: 'a', sk: 'b', name: 'a', confirm: 'a' }
    expect(await ask(name, given)).toMatchObject({ status: 403, error: { message: /read-only/ } })
  })

  it.each(writes.filter((name) => !name.endsWith('resume')))(
    '%s needs the typed confirmation',
    async (name) => {
      const { ask } = consoleOf(new AtomicMemoryDb())
      const given = { pk: 'a', sk: 'b', name: 'a', holder: 'x', json: '1' }
      for (const confirm of [undefined, '', 'other', true])
        expect(await ask(name, { ...given, confirm })).toMatchObject({
          status: 403,
          error: { message: /type/ },
        })
    },
  )

  it('that are unknown, or of the prototype, are not found', async () => {
    const { ask } = consoleOf(new AtomicMemoryDb())
    for (const name of ['nothing', 'constructor', 'toString'])
      expect(await ask(name)).toMatchObject({ status: 404 })
  })

  it('that are no JSON objects, or too large, are refused', async () => {
    const { ask, request } = consoleOf(new AtomicMemoryDb())
    expect(await ask('queue.peek', 5)).toMatchObject({ status: 400 })
    expect(await ask('queue.peek', { pk: 'x'.repeat(1024 * 1024) })).toMatchObject({ status: 413 })
    expect((await request('/other')).status).toBe(404)
  })

  it('say which argument is wrong', async () => {
    const { ask } = consoleOf(new AtomicMemoryDb())
    expect(await ask('queue.peek')).toMatchObject({
      status: 400,
      error: { code: 'InvalidInput', message: /pk/ },
    })
    expect(await ask('queue.peek', { pk: 'q', limit: 1e9 })).toMatchObject({ status: 400 })
  })

  it('every answer forbids to be framed, cached or sniffed', async () => {
    const { request } = consoleOf(new AtomicMemoryDb())
    for (const path of ['/', '/api/about', '/nothing']) {
      const { headers } = await request(path)
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('an error of the backend is told once, and its end too', async () => {
    const db = new AtomicMemoryDb()
    const get = db.get.bind(db)
    const told: (string | undefined)[] = []
    const { ask } = consoleOf(db, { onTrouble: (message) => told.push(message), explain: () => 'no answer' })
    db.get = () => Promise.reject(new BackendError('secret host name', {}))
    for (let i = 0; i < 2; i++)
      expect(await ask('item.get', { pk: 'a', sk: 'b' })).toMatchObject({
        status: 502,
        error: { message: 'no answer', isTrouble: true },
      })
    // What asks this process alone proves nothing.
    await ask('about')
    expect(told).toEqual(['no answer'])
    db.get = get as never
    expect((await ask('item.get', { pk: 'a', sk: 'b' })).status).toBe(200)
    expect(told).toEqual(['no answer', undefined])
  })

  it('below the path where it is mounted', async () => {
    const { request } = consoleOf(new AtomicMemoryDb(), { basePath: '/admin/lockrow' })
    const page = await request('/admin/lockrow/')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('data-base="/admin/lockrow/"')
    expect((await request('/admin/lockrow')).status).toBe(200)
    expect((await request('/')).status).toBe(404)
  })
})
