import { getSchedule, schedule } from 'lockrow/schedules'
import { describe, expect, it } from 'vitest'
import { onTable, records } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

describe('schedules', () => {
  it('are made, shown, paused, resumed and removed', async () => {
    const pk = on.pk()
    const at = ['--pk', pk]
    expect(await lockrow(['schedules', 'list', ...at])).toMatchObject({
      code: 0,
      out: '',
      err: 'no schedules\n',
    })
    const made = await lockrow([
      ...['schedules', 'set', 'report', ...at, '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin'],
      ...['--queue', 'jobs', '--data', '{"kind":"report"}', '--missed', 'skip'],
    ])
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^'report' sends to 'jobs', next 20\d\d-/),
    })
    expect(await getSchedule(on.db(), 'report', { pk })).toMatchObject({
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      missed: 'skip',
      message: { pk: 'jobs', data: { kind: 'report' } },
    })
    expect(
      (await lockrow(['schedules', 'set', 'poll', ...at, '--every', '60000', '--queue', 'jobs'])).code,
    ).toBe(0)

    const listed = await lockrow(['schedules', 'list', ...at])
    expect(listed.out).toMatch(/^report +30 2 \* \* \* Europe\/Berlin +in .* jobs +\{"kind":"report"\}$/m)
    expect(listed.out).toMatch(/^poll +every 60000 ms +in /m)
    const [shown] = records(await lockrow(['schedules', 'show', 'report', ...at, '--runs', '2', '--json']))
    expect(shown).toMatchObject({ name: 'report', nextRuns: [expect.any(Number), expect.any(Number)] })
    expect((await lockrow(['schedules', 'show', 'report', ...at])).out).toMatch(
      /^next +20\d\d-.*:30:00\.000Z$/m,
    )

    expect((await lockrow(['schedules', 'pause', 'poll', ...at])).out).toBe("paused 'poll'\n")
    expect((await lockrow(['schedules', 'list', ...at, '--prefix', 'po'])).out).toMatch(/^poll .* paused /m)
    expect((await lockrow(['schedules', 'resume', 'poll', ...at])).out).toBe("resumed 'poll'\n")

    const refused = await lockrow(['schedules', 'remove', 'poll', ...at])
    expect(refused).toMatchObject({ code: 2, out: '' })
    const no = await lockrow(['schedules', 'remove', 'poll', ...at], { tty: true, input: 'n\n' })
    expect(no).toMatchObject({ code: 1, err: expect.stringContaining('every 60000 ms') })
    expect((await lockrow(['schedules', 'remove', 'poll', ...at, '--yes'])).out).toBe("removed 'poll'\n")
    for (const verb of ['show', 'pause', 'resume', 'remove'])
      expect(
        await lockrow(['schedules', verb, 'poll', ...at, ...(verb === 'remove' ? ['--yes'] : [])]),
      ).toMatchObject({
        code: 1,
        err: "there is no schedule 'poll'\n",
      })
  })

  it.each([
    [['--cron', '61 * * * *', '--queue', 'jobs'], /cron/],
    [['--cron', '* * * * *', '--timezone', 'Mars/Olympus', '--queue', 'jobs'], /time zone/],
    [['--every', '10', '--queue', 'jobs'], /1000/],
    [['--every', '5000', '--queue', 'jobs', '--missed', 'some'], /skip/],
    [['--every', '5000', '--queue', 'jobs', '--data', '{'], /JSON/],
    [['--every', '5000'], /--queue/],
  ])('refuses %j', async (flags, problem) => {
    const ran = await lockrow(['schedules', 'set', 'x', ...flags])
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(problem) })
  })

  it('run drives them until Ctrl-C', async () => {
    const pk = on.pk()
    const queue = on.pk()
    await schedule(on.db(), { name: 'often', everyMs: 1000, pk }, { pk: queue })
    const ending = new AbortController()
    const ran = await lockrow(['schedules', 'run', '--pk', pk], {
      signal: ending.signal,
      onOut: () => ending.abort(),
    })
    expect(ran).toMatchObject({ code: 130, out: expect.stringMatching(/^often: 20/) })
    expect(ran.err).toMatch(/^stopped: sent [1-9]/m)
    expect((await on.db().queuePeek({ pk: queue })).length).toBeGreaterThan(0)
  })
})
