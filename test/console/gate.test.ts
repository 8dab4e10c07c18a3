import { AtomicMemoryDb } from 'lockrow'
import { consoleHandler } from 'lockrow/console'
import { describe, expect, it } from 'vitest'
import { address, consoleOf, token } from '../setup/console.ts'

const db = new AtomicMemoryDb()
const { ask, request } = consoleOf(db)

describe('who may ask', () => {
  it('whoever has the token', async () => {
    expect((await ask('about')).status).toBe(200)
    expect((await request('/')).status).toBe(200)
  })

  it.each([
    ['no token', { 'x-lockrow-console': '' }, 401],
    ['another token', { 'x-lockrow-console': `${token}x` }, 401],
    ['a foreign host', { host: 'evil.example' }, 403],
    ['a host that begins like ours', { host: '127.0.0.1.evil.example' }, 403],
    ['a foreign origin', { origin: 'https://evil.example' }, 403],
    ['no origin at all, of a sandboxed frame', { origin: 'null' }, 403],
    ['another port of this machine', { origin: 'http://127.0.0.1:9999' }, 403],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of the same site, not ours', { 'sec-fetch-site': 'same-site' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['text that looks like JSON', { 'content-type': 'text/plain' }, 415],
  ])('not with %s', async (_, headers, status) => {
    const answer = await ask('queue.peek', { pk: 'q' }, headers)
    expect(answer).toMatchObject({ status, error: { code: 'Refused' } })
    expect(answer.value).toBeUndefined()
  })

  it('the page itself is not shown to a foreign host or origin either', async () => {
    expect((await request('/', { headers: { host: 'evil.example' } })).status).toBe(403)
    expect((await request('/', { headers: { origin: 'https://evil.example' } })).status).toBe(403)
    expect((await request('/nothing', { headers: { host: 'evil.example' } })).status).toBe(403)
  })

  it('its own origin and names are known', async () => {
    for (const host of ['127.0.0.1:7410', 'localhost:7410', '[::1]:7410', 'LOCALHOST'])
      expect((await ask('about', {}, { host, origin: `http://${host}` })).status, host).toBe(200)
  })
})

describe('mounted', () => {
  const seen: string[] = []
  const handler = consoleHandler(db, {
    hosts: ['admin.example.com'],
    authorize: (asked) => {
      seen.push(asked.url)
      return asked.headers.get('cookie') === 'ok'
    },
  })
  const ask = (headers: Record<string, string>, path = '/api/about') =>
    handler(
      new Request(`https://admin.example.com${path}`, {
        method: path === '/' ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', 'x-lockrow-console': 'page', ...headers },
        ...(path === '/' ? {} : { body: '{}' }),
      }),
    )

  it('the application says who may see it, for the page and for each call', async () => {
    expect((await ask({ cookie: 'ok' })).status).toBe(200)
    expect((await ask({ cookie: 'ok' }, '/')).status).toBe(200)
    expect((await ask({})).status).toBe(401)
    expect((await ask({}, '/')).status).toBe(401)
    expect(seen).toHaveLength(4)
  })

  it('a call without the header of the page is refused: no form and no link can send it', async () => {
    const request = new Request('https://admin.example.com/api/about', {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: 'ok' },
      body: '{}',
    })
    expect((await handler(request)).status).toBe(401)
  })

  it('other hosts are refused, loopback too', async () => {
    expect((await ask({ cookie: 'ok', host: 'other.example.com' })).status).toBe(403)
    expect((await handler(new Request(`${address}/`, { headers: { cookie: 'ok' } }))).status).toBe(403)
  })
})
