import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PlaygroundExample, playgroundExamples } from '../../../site/pages.ts'
import { examplesOfGuide } from '../../docs/examples.ts'
import { describeInBrowser } from '../../setup/browser.ts'
import { dist, needFreshSite, root, serving } from './site.ts'

/** The playground: what the guides show runs in a browser, on the twin. */

const examples = playgroundExamples()
const status = (page: Page) => page.getByRole('status')
const output = (page: Page) => page.getByRole('log')

describe('the examples that are offered', () => {
  it('are all that the README runs', () => {
    const ofReadme = examplesOfGuide(join(root, 'README.md')).filter(({ runs }) => runs)
    expect(ofReadme.length).toBeGreaterThan(2)
    expect(examples.filter(({ id }) => id.startsWith('readme-')).map(({ code }) => code)).toEqual(
      ofReadme.map(({ code }) => code),
    )
  })

  it('are many of the guides', () => {
    expect(examples.length).toBeGreaterThan(35)
  })
})

describeInBrowser('the playground', (open) => {
  beforeAll(needFreshSite)
  const address = serving(dist)

  async function playground(id = '') {
    const opened = await open()
    await opened.page.goto(`${address()}/playground.html${id && `#${id}`}`)
    await opened.page.locator('.cm-content').waitFor()
    return opened
  }
  const write = async (page: Page, code: string) => {
    await page.locator('.cm-content').fill(code)
  }
  const run = (page: Page) => page.getByRole('button', { name: 'Run' }).click()

  it('serves the examples of the sources', () => {
    expect(JSON.parse(readFileSync(join(dist, 'examples.json'), 'utf8'))).toEqual(examples)
  })

  it('runs every one of them', async () => {
    const { page, problems, foreign } = await playground()
    const failed: unknown[] = []
    const runOne = async ({ id, code }: PlaygroundExample) => {
      await page.getByRole('combobox').selectOption(id)
      await run(page)
      await expect.poll(() => status(page).textContent(), { timeout: 60_000 }).not.toMatch(/Running|Ready/)
      const [how, text] = [await status(page).textContent(), await output(page).textContent()]
      const prints = /console\.log/.test(code)
      if (!/^Done in \d+ ms/.test(how!) || /Error/.test(text!)) failed.push({ id, how, text })
      return { prints, printed: !text!.startsWith('What the program prints') }
    }
    const ran = []
    for (const example of examples) ran.push(await runOne(example))
    expect(failed).toEqual([])
    // Some print only in a handler that finds nothing.
    expect(ran.filter(({ prints, printed }) => prints && printed).length).toBeGreaterThan(10)
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  }, 600_000)

  it('runs what is written into it, on the database', async () => {
    const { page } = await playground()
    await write(
      page,
      `import { AtomicMemoryDb, type AtomicDbItem } from 'lockrow'
const db = new AtomicMemoryDb()
await db.set({ pk: 'a', sk: 'b', data: { n: 41 } })
const { item } = await db.update<{ n: number }>({ pk: 'a', sk: 'b' }, { add: { n: 1 } })
console.log('n is', item!.data.n as number, [1, { two: true }])`,
    )
    await run(page)
    await expect.poll(() => output(page).textContent()).toBe('n is 42 [ 1, { two: true } ]\n')
  })

  it.each([
    ['what it throws, with the line', `\nthrow new TypeError('mine')`, /TypeError: mine/, /line 2/],
    [
      'what it does not await',
      `Promise.reject(new Error('later'))\nawait new Promise(() => {})`,
      /Error: later/,
      /Failed/,
    ],
    ['what does not parse', 'const a = 1\nconst = 2', /SyntaxError/, /line 2/],
    [
      'errors of the library, with their fields',
      `import { AtomicMemoryDb } from 'lockrow'\nawait new AtomicMemoryDb().get({ pk: '' } as never)`,
      /InvalidInput: .*pk/,
      /Failed/,
    ],
    [
      'what cannot be imported',
      `import x from 'lockrow/dynamo'\nconsole.log(x)`,
      /there are lockrow, /,
      /Failed/,
    ],
  ])('shows %s', async (_, code, text, how) => {
    const { page } = await playground()
    await write(page, code)
    await run(page)
    await expect.poll(() => output(page).textContent()).toMatch(text)
    await expect.poll(() => status(page).textContent()).toMatch(how)
  })

  it('stops a loop without an end by itself, and the page goes on', async () => {
    const { page } = await playground()
    await write(page, `console.log('before')\nwhile (true) {}`)
    await run(page)
    await expect.poll(() => output(page).textContent()).toBe('before\n')
    await expect.poll(() => status(page).textContent(), { timeout: 60_000 }).toBe('Stopped after 10 seconds.')
    await write(page, `console.log('again')`)
    await run(page)
    await expect.poll(() => output(page).textContent()).toBe('again\n')
  }, 120_000)

  it('stops at the button', async () => {
    const { page } = await playground()
    await write(page, 'while (true) {}')
    await run(page)
    await page.getByRole('button', { name: 'Stop' }).click()
    expect(await status(page).textContent()).toBe('Stopped.')
  })

  it('cuts output that has no end', async () => {
    const { page } = await playground()
    await write(page, `for (let i = 0; i < 5000; i++) console.log(i)`)
    await run(page)
    await expect
      .poll(() => output(page).textContent())
      .toMatch(/998\nmore than 1000 lines: the rest is not shown\n$/)
  })

  it('is led to an example by its address, and back to it after changes', async () => {
    const { page } = await playground('queue-2')
    const { code } = examples.find(({ id }) => id === 'queue-2')!
    const shown = () => page.locator('.cm-content').innerText()
    expect(await page.getByRole('combobox').inputValue()).toBe('queue-2')
    const first = code.split('\n')[0]!
    expect(await shown()).toContain(first)
    await write(page, 'changed')
    await page.getByRole('button', { name: 'Undo changes' }).click()
    expect(await shown()).toContain(first)
  })

  it('runs by the keyboard alone', async () => {
    const { page } = await playground()
    await write(page, `console.log('keys')`)
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => output(page).textContent()).toBe('keys\n')
  })

  it.each([
    ['a phone', { width: 390, height: 800 }],
    ['a desk', { width: 1440, height: 900 }],
  ])('fits %s', async (_, viewport) => {
    const { page } = await open({ viewport })
    await page.goto(`${address()}/playground.html`)
    await page.locator('.cm-content').waitFor()
    const wider = await page.evaluate(() => {
      const { document } = globalThis as unknown as {
        document: { documentElement: { scrollWidth: number; clientWidth: number } }
      }
      return document.documentElement.scrollWidth - document.documentElement.clientWidth
    })
    expect(wider).toBeLessThanOrEqual(0)
  })
})
