import { AtomicMemoryDb, BackendError } from 'lockrow'
import { expect, it } from 'vitest'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { openAt, serveConsole } from './serve.ts'

describeInBrowser('trouble in the page', (open: Open) => {
  it('a database that fails is said, and it goes on when it answers again', async () => {
    const db = new AtomicMemoryDb()
    const { queuePeek } = db
    const message = 'the AWS credentials do not count: log in again'
    const server = await serveConsole(db, { explain: () => message })
    try {
      const { page } = await open()
      db.queuePeek = () => Promise.reject(new BackendError('expired', {}))
      await openAt(page, server, '#/queues/jobs')
      await page.getByRole('alert').first().getByText(message).waitFor()
      db.queuePeek = queuePeek
      await db.queuePush({ pk: 'jobs', data: 'back' })
      await page.getByRole('grid').getByText('back').waitFor()
      await expect.poll(() => page.getByText(message).count()).toBe(0)
    } finally {
      await server.stop()
    }
  })

  it('a console that was stopped is said, and the page goes on when it is started again', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush({ pk: 'jobs', data: 'here' })
    const first = await serveConsole(db)
    const { page } = await open()
    await openAt(page, first, '#/queues/jobs')
    await page.getByRole('grid').getByText('here').waitFor()
    await first.stop()
    await page.getByText('the console does not answer').first().waitFor()
    const second = await serveConsole(db, {}, first.port)
    try {
      await expect
        .poll(() => page.getByText('the console does not answer').count(), { timeout: 20_000 })
        .toBe(0)
      await page.getByRole('grid').getByText('here').waitFor()
    } finally {
      await second.stop()
    }
  })

  it('live refresh stops while the page is hidden', async () => {
    const db = new AtomicMemoryDb()
    const server = await serveConsole(db)
    try {
      const { page } = await open()
      await openAt(page, server, '#/queues/jobs')
      await page.getByText('No messages').waitFor()
      await page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden' })")
      let asked = 0
      page.on('request', (request) => {
        if (request.url().includes('/api/')) asked++
      })
      await page.waitForTimeout(7000)
      expect(asked).toBe(0)
    } finally {
      await server.stop()
    }
  })
})
