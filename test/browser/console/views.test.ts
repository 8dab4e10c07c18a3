import { AtomicMemoryDb, Liveness, lockKey, Mutex, Semaphore, transaction } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { Recording, UnitMeter } from 'lockrow/console'
import { afterEach, expect, it } from 'vitest'
import type { ConsoleServer } from '../../../src/cli/console/server.ts'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { confirm, openAt, serveConsole } from './serve.ts'

describeInBrowser('leases, items, transactions and costs in the page', (open: Open) => {
  let server: ConsoleServer
  afterEach(() => server.stop())

  const world = async (hash: string, fill: (db: AtomicMemoryDb) => Promise<unknown>, options = {}) => {
    let time = Date.UTC(2026, 5, 1)
    const db = new AtomicMemoryDb({ now: () => time })
    await fill(db)
    server = await serveConsole(db, options)
    const opened = await open()
    await openAt(opened.page, server, hash)
    return { ...opened, db, pass: (ms: number) => (time += ms) }
  }

  it('a mutex with holder, time left and waiting line; taken by force from the holder that is shown', async () => {
    const key = { pk: 'locks', sk: 'nightly' }
    let holder: Mutex | undefined
    const { page, db, pass } = await world('#/locks/locks', async (made) => {
      const liveness = await new Liveness(made).start()
      holder = new Mutex(made, key, { ttlMs: 60_000, label: 'import run', liveness })
      await holder.acquire()
      await liveness.stop()
      await new Semaphore(made, { pk: 'locks', sk: 'api' }, { permits: 2, ttlMs: 60_000 }).acquire()
    })
    const lease = page.getByRole('article', { name: 'mutex locks / nightly' })
    await lease.getByText('import run').waitFor()
    await lease.getByText('fencing token 1').waitFor()
    await lease.getByText(/^(1 min|5\d s) left$/).waitFor()
    pass(30_000)
    await lease.getByText(/^(30|2\d) s left$/).waitFor()
    await lease.getByRole('button', { name: 'Force release' }).click()
    expect(await page.getByRole('dialog').textContent()).toContain('fencing token')
    await confirm(page, 'nightly', 'Force release')
    await lease.getByText('free').waitFor()
    expect((await db.get<{ owner: unknown }>(key))!.data.owner).toBeNull()
    await expect(holder!.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
  })

  it('items by prefix, one edited as a tree; the write of somebody else is not lost', async () => {
    const key = { pk: 'users', sk: 'a1' }
    const { page, db } = await world('#/items/users', async (made) => {
      await made.set(['a1', 'a2', 'b1'].map((sk) => ({ pk: 'users', sk, data: { name: sk, n: 1 } })))
      await made.getLock(lockKey(key))
    })
    const rows = page.getByRole('grid').getByRole('row')
    await expect.poll(() => rows.count()).toBe(3)
    await page.getByLabel('sk begins with').fill('a')
    await expect.poll(() => rows.count()).toBe(2)
    await rows.first().click()
    const panel = page.getByRole('complementary')
    await panel.getByText('lock version').waitFor()
    await panel.getByRole('button', { name: 'Edit' }).click()
    await panel.getByRole('button', { name: '"a1"' }).click()
    await panel.getByLabel('Value of name').fill('"anna"')
    await page.keyboard.press('Enter')
    await db.update(key, { add: { n: 41 } })
    await panel.getByRole('button', { name: 'Save' }).click()
    await confirm(page, 'a1', 'Save')
    await panel.getByText('nothing was saved').waitFor()
    expect((await db.get(key))!.data).toEqual({ name: 'a1', n: 42 })
    await panel.getByRole('button', { name: 'Close', exact: true }).click()
    await panel.locator('.tree').getByText('42').waitFor()
    await panel.getByRole('button', { name: 'Edit' }).click()
    await panel.getByRole('button', { name: 'JSON' }).click()
    await panel.getByLabel('Data as JSON').fill('{"name":"anna","n":42}')
    await panel.getByRole('button', { name: 'Save' }).click()
    await confirm(page, 'a1', 'Save')
    await page.getByText('saved a1').waitFor()
    expect((await db.get(key))!.data).toEqual({ name: 'anna', n: 42 })
  })

  it('an item is watched: each change appears with its fields', async () => {
    const key = { pk: 'stock', sk: 'boots' }
    const { page, db } = await world('#/items/stock/boots', (made) => made.set({ ...key, data: { left: 5 } }))
    const panel = page.getByRole('complementary')
    await panel.getByText('left: ').waitFor()
    await panel.getByLabel('watch').check()
    await db.update(key, { add: { left: -2 } })
    await panel.getByText('Changes while you watched').waitFor()
    expect(await panel.locator('del').textContent()).toBe('5')
    expect(await panel.locator('ins').textContent()).toBe('3')
  })

  it('an item is made and deleted', async () => {
    const { page, db } = await world('#/items/users/new', async () => {})
    const panel = page.getByRole('complementary')
    await panel.getByRole('button', { name: 'Make one' }).click()
    await panel.getByLabel('Data as JSON').fill('{"name":"ann"}')
    await panel.getByRole('button', { name: 'Save' }).click()
    await confirm(page, 'new', 'Save')
    await panel.locator('.tree').getByText('"ann"').waitFor()
    expect((await db.get({ pk: 'users', sk: 'new' }))!.data).toEqual({ name: 'ann' })
    await panel.getByRole('button', { name: 'Edit' }).click()
    await panel.getByRole('button', { name: 'Delete' }).click()
    await confirm(page, 'new', 'Delete')
    await page.getByText('deleted new').waitFor()
    expect(await db.get({ pk: 'users', sk: 'new' })).toBeUndefined()
  })

  it('a scan finds partitions and queues, when it is asked for', async () => {
    const { page } = await world('#/items', async (db) => {
      await db.set({ pk: 'users', sk: 'a', data: 1 })
      await db.queuePush({ pk: 'mails', data: 1 })
    })
    await page.getByText('No partition is known yet').waitFor()
    await page.getByRole('button', { name: 'Scan the table' }).click()
    await page.getByText('all of the table').waitFor()
    await page.getByRole('link', { name: 'users' }).waitFor()
    await page.getByRole('link', { name: 'Queues' }).click()
    await page.getByRole('link', { name: 'mails' }).waitFor()
  })

  it('collections are shown with their indexes', async () => {
    const schema = typed<{ id: string; city: string }>()
    const people = collection(new AtomicMemoryDb(), 'people', {
      schema,
      key: 'id',
      indexes: { city: { key: 'city' } },
    })
    const { page } = await world('#/items', async () => {}, { collections: [people] })
    await page.getByRole('region', { name: 'Collection people' }).getByText('people##city#<city>').waitFor()
  })

  it('transactions of this process: what was committed and refused, and whose change it was', async () => {
    const recording = new Recording()
    const key = { pk: 'stock', sk: 'boots' }
    const { page, problems } = await world(
      '#/transactions',
      async (made) => {
        const db = recording.of(made)
        await db.set({ ...key, data: { left: 5 } })
        let isFirst = true
        await transaction(db, async (tx) => {
          await tx.get(key)
          if (isFirst) await db.update(key, { add: { left: -1 } })
          isFirst = false
          tx.set({ pk: 'orders', sk: 'o1', data: {} })
        })
      },
      { recording },
    )
    const rows = page.getByRole('grid').getByRole('row')
    await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(4)
    await page.getByLabel('Outcome').selectOption('refused')
    await expect.poll(() => rows.count()).toBe(1)
    await rows.first().click()
    const panel = page.getByRole('complementary')
    await panel.getByText('RaceCondition', { exact: true }).waitFor()
    await panel.getByText('changed by others').waitFor()
    expect(problems).toEqual([])
  })

  it('costs: units of the console by what it asked', async () => {
    const meter = new UnitMeter()
    meter.add({ read: 12.5, write: 3 })
    await meter.measure('queue.open', async () => meter.add({ read: 4 }))
    const { page } = await world('#/cost', async () => {}, { meter })
    await page.getByText('16.5 RRU').waitFor()
    await page.getByRole('cell', { name: 'queue.open' }).waitFor()
  })

  it('every view has a link of its own, also with strange keys', async () => {
    const pk = 'a/b?c#d <i>&"é%2F'
    const { page, problems } = await world('#/queues', (db) =>
      db.set({ pk, sk: 'x/y#z', data: { found: true } }),
    )
    await page.getByRole('link', { name: 'Items' }).click()
    await page.getByLabel('Partition key').fill(pk)
    await page.getByLabel('Sort key, for one item').fill('x/y#z')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('complementary').getByText('found').waitFor()
    await page.reload()
    await page.getByRole('complementary').getByText('found').waitFor()
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(pk)
    expect(problems).toEqual([])
  })
})
