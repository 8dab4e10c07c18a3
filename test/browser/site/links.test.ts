import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { describeInBrowser, type OpenPage } from '../../setup/browser.ts'
import { dist, needFreshSite, root, serving } from './site.ts'

/** Every page of the site is whole: its links and their anchors are there, and nothing comes from another host. */
describeInBrowser('the site', (open) => {
  beforeAll(needFreshSite)
  const address = serving(dist)
  const pages = () => readdirSync(dist).filter((name) => name.endsWith('.html') && name !== '404.html')

  /** The addresses of links in a page, and what can be linked to in it. */
  const inspect = ({ page }: OpenPage) =>
    page.evaluate(() => {
      const { document } = globalThis as unknown as {
        document: { querySelectorAll(what: string): Iterable<{ href: string; id: string }> }
      }
      return {
        links: [...document.querySelectorAll('a[href]')].map(({ href }) => href),
        ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      }
    })

  it('has a page for each guide', () => {
    const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
    expect(guides.length).toBeGreaterThan(15)
    expect(pages()).toEqual(expect.arrayContaining(guides.map((name) => name.replace('.md', '.html'))))
  })

  it('has no dead link, no dead anchor, no error and no foreign host', async () => {
    const opened = await open()
    const ids = new Map<string, Set<string>>()
    const links: { from: string; path: string; anchor: string }[] = []
    for (const name of pages()) {
      await opened.page.goto(`${address()}/${name}`)
      const found = await inspect(opened)
      ids.set(`/${name}`, new Set(found.ids))
      for (const href of found.links) {
        const url = new URL(href)
        if (url.origin !== address()) continue
        const path = url.pathname.endsWith('/') ? `${url.pathname}index.html` : url.pathname
        links.push({ from: name, path, anchor: decodeURIComponent(url.hash.slice(1)) })
      }
    }
    const file = (path: string) => existsSync(join(dist, path)) && statSync(join(dist, path)).isFile()
    // The anchors of the playground are its examples, tested with it; the reference checks its own.
    const isOwn = (path: string) => ids.has(path) && path !== '/playground.html'
    const dead = links.filter(
      ({ path, anchor }) => !file(path) || (anchor !== '' && isOwn(path) && !ids.get(path)!.has(anchor)),
    )
    expect(dead).toEqual([])
    expect(links.length).toBeGreaterThan(500)
    expect(links.filter(({ anchor }) => anchor !== '').length).toBeGreaterThan(100)
    expect({ problems: opened.problems, foreign: opened.foreign }).toEqual({ problems: [], foreign: [] })
  }, 600_000)

  it('finds what is searched for', async () => {
    const { page, problems } = await open()
    await page.goto(`${address()}/`)
    const field = page.locator('#localsearch-input')
    // The button works once the page's script has begun.
    await expect
      .poll(async () => {
        if (!(await field.isVisible())) await page.locator('.VPNavBarSearch button').first().click()
        return field.isVisible()
      })
      .toBe(true)
    await field.fill('fencing token')
    await page.locator('.result').first().click()
    await page.waitForURL(/coordination|locking|queue|security/)
    expect(problems).toEqual([])
  })

  it('has the API reference', async () => {
    const { page, problems, foreign } = await open()
    await page.goto(`${address()}/data-model.html`)
    await page.getByRole('link', { name: 'API' }).first().click()
    await page.waitForURL(/\/api\/index\.html/)
    await page.goto(`${address()}/api/classes/lockrow.AtomicMemoryDb.html`)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('AtomicMemoryDb')
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  })

  it.each(['light', 'dark'] as const)('shows its pictures, %s', async (colorScheme) => {
    const { page } = await open({ colorScheme })
    for (const name of ['index', 'queue', 'locking', 'transactions', 'coordination', 'architecture']) {
      await page.goto(`${address()}/${name}.html`)
      const picture = page.locator('img').first()
      await picture.scrollIntoViewIfNeeded()
      await expect
        .poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
        .toBeGreaterThan(300)
    }
  })
})
