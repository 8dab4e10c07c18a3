import { schedule } from 'lockrow/schedules'
import { expect, it } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { consoleOf } from '../../setup/console.ts'

interface Listed {
  schedules: { name: string; next: number[]; message: { pk: string; json: string }; pausedAt?: number }[]
}

onBothBackends('schedules in the console', ({ open, pk }) => {
  it('are listed with their next runs, paused, resumed and removed', async () => {
    const db = open()
    const place = pk()
    const { call } = consoleOf(db)
    await schedule(
      db,
      { name: 'nightly', cron: '30 2 * * *', pk: place },
      { pk: 'mails', data: { kind: 'x' } },
    )
    const list = async () => (await call<Listed>('schedule.list', { pk: place })).schedules
    const [first] = await list()
    expect(first).toMatchObject({ name: 'nightly', message: { pk: 'mails', json: '{"kind":"x"}' } })
    expect(first!.next).toHaveLength(5)
    const given = { name: 'nightly', confirm: 'nightly', pk: place }
    expect(await call('schedule.pause', given)).toEqual({ done: true })
    expect((await list())[0]!.pausedAt).toBeDefined()
    expect(await call('schedule.resume', given)).toEqual({ done: true })
    expect(await call('schedule.get', given)).toMatchObject({ schedule: { name: 'nightly' } })
    expect(await call('schedule.remove', given)).toEqual({ done: true })
    expect(await call('schedule.remove', given)).toEqual({ done: false })
    expect(await list()).toEqual([])
  })
})
