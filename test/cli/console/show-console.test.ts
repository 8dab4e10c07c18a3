import { expect, it } from 'vitest'
import { cli } from '../helpers.ts'

/** Runs the command until `act` is done with the link that it prints. */
async function whileShown(argv: string[], act: (link: URL, told: () => string) => Promise<void>, env = {}) {
  const stop = new AbortController()
  let err = ''
  let acted: Promise<void> | undefined
  const ran = await cli(['console', '--port', '0', '--json', ...argv], {
    env: { NO_COLOR: '1', ...env },
    signal: stop.signal,
    onErr: (text) => {
      err += text
    },
    onOut: (text) => {
      const { link } = JSON.parse(text) as { link: string }
      acted ??= act(new URL(link), () => err).finally(() => stop.abort())
    },
  })
  await acted
  return ran
}

const ask = async (link: URL, name: string, given = {}) => {
  const response = await fetch(new URL(`/api/${name}`, link), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-lockrow-console': link.hash.replace('#token=', '') },
    body: JSON.stringify(given),
  })
  return {
    status: response.status,
    ...((await response.json()) as { value?: object; error?: { message: string } }),
  }
}

it('the demo is served until Ctrl-C, and may be changed', async () => {
  const ran = await whileShown(['--demo'], async (link) => {
    expect(link.hostname).toBe('127.0.0.1')
    expect((await fetch(link)).status).toBe(200)
    expect(await ask(link, 'about')).toMatchObject({ value: { title: 'demo shop', write: true } })
    link.hash = '#token=wrong'
    expect((await ask(link, 'about')).status).toBe(401)
  })
  expect(ran.code).toBe(0)
})

it('a server that is not there is said in the terminal and in the page; the console stays', async () => {
  const argv = ['--table', 'orders', '--endpoint', 'http://127.0.0.1:1']
  const ran = await whileShown(argv, async (link, told) => {
    expect(told()).toMatch(/no answer from http:\/\/127\.0\.0\.1:1/)
    for (let i = 0; i < 2; i++)
      expect(await ask(link, 'queue.peek', { pk: 'q' })).toMatchObject({
        status: 502,
        error: { message: expect.stringMatching(/no answer/) },
      })
    expect(await ask(link, 'about')).toMatchObject({ value: { title: 'orders', write: false } })
    expect(await ask(link, 'queue.pause', { pk: 'q', confirm: 'q' })).toMatchObject({ status: 403 })
  })
  expect(ran.code).toBe(0)
})

it('--demo with an endpoint, or no table at all, is refused', async () => {
  expect(await cli(['console', '--demo', '--endpoint', 'http://127.0.0.1:1'])).toMatchObject({ code: 2 })
  const ran = await cli(['console'])
  expect(ran).toMatchObject({ code: 2, err: expect.stringMatching(/--table/) })
})
