import { AtomicMemoryDb } from 'lockrow'
import { schedule } from 'lockrow/schedules'
import { afterEach, expect, it } from 'vitest'
import type { ConsoleServer } from '../../../src/cli/console/server.ts'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { confirm, openAt, serveConsole, token } from './serve.ts'

const pk = 'jobs'

describeInBrowser('queues in the page', (open: Open) => {
  let server: ConsoleServer
  afterEach(() => server.stop())

  /** The twin with a clock that only the test moves. */
  const world = async (hash: string, options = {}) => {
    let time = Date.UTC(2026, 5, 1)
    const db = new AtomicMemoryDb({ now: () => time })
    await db.queuePush(
      ['ann', 'bob', 'cleo'].map((name, n) => ({ pk, data: { name, n }, group: n === 2 ? 'g' : undefined })),
    )
    server = await serveConsole(db, { queues: [pk], ...options })
    const opened = await open()
    await openAt(opened.page, server, hash)
    const rows = opened.page.getByRole('grid').getByRole('row')
    const refresh = () => opened.page.getByRole('button', { name: 'Refresh' }).click()
    return { ...opened, db, rows, refresh, pass: (ms: number) => (time += ms) }
  }

  it('the list shows the numbers of each queue, and leads to it', async () => {
    const { page, db, problems, foreign } = await world('#/queues')
    await db.queuePull({ pk, ttlSeconds: 60 })
    await page.getByRole('cell', { name: '3', exact: true }).first().waitFor()
    await page.getByRole('link', { name: pk, exact: true }).click()
    await page.getByRole('heading', { name: pk }).waitFor()
    expect(page.url()).toMatch(/#\/queues\/jobs$/)
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  })

  it('messages with their state, as time goes by; each with its facts', async () => {
    const { page, db, rows, refresh, pass } = await world(`#/queues/${pk}`)
    await rows.nth(2).waitFor()
    const { item } = await db.queuePull({ pk, ttlSeconds: 60 })
    await refresh()
    await rows.filter({ hasText: 'in flight' }).click()
    const drawer = page.getByRole('complementary')
    await drawer.getByText(item!.receipt!).waitFor()
    expect(await drawer.textContent()).toContain('in 1 min')
    expect(await drawer.locator('.tree').textContent()).toContain('"ann"')
    pass(61_000)
    await refresh()
    await expect.poll(() => rows.filter({ hasText: 'in flight' }).count()).toBe(0)
  })

  it('are searched, filtered and selected, and deleted after the name is typed', async () => {
    const { page, db, rows } = await world(`#/queues/${pk}`)
    await rows.nth(2).waitFor()
    await page.getByRole('searchbox').fill('BOB')
    await expect.poll(() => rows.count()).toBe(1)
    expect(page.url()).toContain('search=BOB')
    await page.getByLabel('Select all 1 shown').check()
    await page.getByRole('button', { name: 'Delete' }).click()
    await confirm(page, pk, 'Delete')
    await page.getByText('deleted: 1').waitFor()
    const left = await db.queuePeek<{ name: string }>({ pk, limit: 10 })
    expect(left.map(({ data }) => data.name)).toEqual(['ann', 'cleo'])
  })

  it('a message in flight is released; one that changed hands since it was shown stays', async () => {
    const { page, db, rows, pass } = await world(`#/queues/${pk}`)
    await rows.nth(2).waitFor()
    await db.queuePull({ pk, ttlSeconds: 60 })
    await page.getByRole('button', { name: 'Refresh' }).click()
    await rows.filter({ hasText: 'in flight' }).getByRole('checkbox').click()
    await page.getByRole('button', { name: 'Live' }).click()
    pass(61_000)
    const { item } = await db.queuePull({ pk, ttlSeconds: 600 })
    await page.getByRole('button', { name: 'Release' }).click()
    await confirm(page, pk, 'Release')
    await page.getByText(/released: 0; 1 stayed/).waitFor()
    await db.queueExtend(item!, { ttlSeconds: 700 })
  })

  it('a payload is edited and pushed again', async () => {
    const { page, db, rows } = await world(`#/queues/${pk}`)
    await rows.first().click()
    await page.getByRole('button', { name: 'Edit and push again' }).click()
    const field = page.getByLabel('Payload as JSON')
    await field.fill('{ not json')
    await page.getByText('This is not JSON yet.').waitFor()
    await field.fill('{"name":"anna"}')
    await page.getByRole('button', { name: 'Push again' }).click()
    await confirm(page, pk, 'Push again')
    await page.getByText('pushed again: 1').waitFor()
    const all = await db.queuePeek<{ name: string }>({ pk, limit: 10 })
    expect(all.map(({ data }) => data.name)).toEqual(['bob', 'cleo', 'anna'])
  })

  it('dead letters go back, selected or all', async () => {
    const { page, db, rows } = await world(`#/queues/${pk}?tab=dead`)
    for (let i = 0; i < 3; i++) {
      const { item } = await db.queuePull({ pk, ttlSeconds: 60 })
      await db.queueRelease(item!, { deadLetter: `${pk}#dead`, reason: `broken ${i}` })
    }
    await page.getByRole('button', { name: 'Refresh' }).click()
    await rows.filter({ hasText: 'broken 1' }).getByRole('checkbox').click()
    await page.getByRole('button', { name: 'Redrive', exact: true }).click()
    await confirm(page, `${pk}#dead`, 'Redrive')
    await page.getByText('redriven: 1').waitFor()
    await page.getByRole('button', { name: 'Redrive the first 100' }).click()
    await confirm(page, `${pk}#dead`, 'Redrive')
    await page.getByText('redriven: 2').waitFor()
    expect(await db.queuePeek({ pk, limit: 10 })).toHaveLength(3)
  })

  it('the queue is paused and goes on', async () => {
    const { page, db } = await world(`#/queues/${pk}`)
    await page.getByRole('button', { name: 'Pause' }).click()
    await confirm(page, pk, 'Pause')
    await page.getByText('paused', { exact: true }).waitFor()
    expect(await db.queuePull({ pk })).toEqual({ paused: true })
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    expect((await db.queuePull({ pk })).item).toBeDefined()
  })

  it('its schedules are paused, resumed and removed', async () => {
    const { page, db } = await world('#/queues')
    await schedule(db, { name: 'nightly', cron: '30 2 * * *' }, { pk, data: { kind: 'x' } })
    await openAt(page, server, `#/queues/${pk}?tab=schedules`)
    await page.getByRole('button', { name: 'Pause' }).click()
    await confirm(page, 'nightly', 'Pause')
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('nightly goes on').waitFor()
    await page.getByRole('button', { name: 'Remove' }).click()
    await confirm(page, 'nightly', 'Remove')
    await page.getByText('No schedule pushes to this queue').waitFor()
  })

  it('the keyboard moves, selects and opens', async () => {
    const { page, rows } = await world(`#/queues/${pk}`)
    await rows.nth(2).waitFor()
    await page.keyboard.press('/')
    expect(await page.evaluate("document.activeElement?.getAttribute('type')")).toBe('search')
    await page.getByRole('grid').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press(' ')
    await page.getByText('1 selected').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('complementary').getByText('"bob"').waitFor()
    await page.keyboard.press('4')
    await page.getByRole('heading', { name: 'Transactions' }).waitFor()
  })

  it('without write every action is off, and the server refuses it too', async () => {
    const { page, db, rows, problems } = await world(`#/queues/${pk}`, { write: false })
    await rows.first().getByRole('checkbox').click()
    for (const name of ['Delete', 'Pause'])
      expect(await page.getByRole('button', { name }).isDisabled()).toBe(true)
    const status = await page.evaluate(
      async ([queue, secret]) => {
        const headers = {
          'content-type': 'application/json',
          'x-lockrow-console': secret!,
        }
        const body = JSON.stringify({ pk: queue, confirm: queue })
        return (await fetch('/api/queue.pause', { method: 'POST', headers, body })).status
      },
      [pk, token],
    )
    expect(status).toBe(403)
    expect((await db.queuePull({ pk })).item).toBeDefined()
    expect(problems.filter((one) => !one.includes('403'))).toEqual([])
  })
})
