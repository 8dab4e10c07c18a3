import { AtomicMemoryDb } from 'lockrow'
import { expect, it } from 'vitest'
import { consoleOf, token } from '../setup/console.ts'

const titled = consoleOf(new AtomicMemoryDb(), { title: '</title><script>alert(1)</script>' })

it('the page runs only the script and the styles that carry its nonce, new each time', async () => {
  const [first, second] = await Promise.all([titled.request('/'), titled.request('/')])
  const policy = first!.headers.get('content-security-policy')!
  const nonce = /script-src 'nonce-([\w-]{20,})'/.exec(policy)?.[1]
  expect(policy).toContain(`style-src 'nonce-${nonce}'`)
  for (const rule of [
    "default-src 'none'",
    "connect-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
    expect(policy).toContain(rule)
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  expect(second!.headers.get('content-security-policy')).not.toBe(policy)
  const html = await first!.text()
  const elements = [...html.matchAll(/<(script|style)\b([^>]*)>/g)].map(([, , rest]) => rest)
  expect(elements).toEqual([` nonce="${nonce}"`, ` nonce="${nonce}"`])
})

it('it holds no token, no data, and its title is text', async () => {
  const html = await (await titled.request('/')).text()
  expect(html).not.toContain(token)
  expect(html).not.toContain('</title><script>')
  expect(html).toContain('&#60;/title&#62;')
  // Nothing is loaded from elsewhere.
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//)
})
