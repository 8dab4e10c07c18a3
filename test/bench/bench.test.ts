import { expect, inject, test, vi } from 'vitest'
import { report } from '../../bench/lib/report.ts'
import { asked, benches } from '../../bench/run.ts'

// Competitors may not be installed here (bench has a package of its own): then they are a note, and the rest runs.
test.each(Object.keys(benches))('%s runs in its smallest form', { timeout: 120_000 }, async (name) => {
  vi.stubEnv('DYNAMODB_ENDPOINT', inject('dynamoEndpoint'))
  vi.stubEnv('REDIS_URL', '')
  const { run } = await benches[name]!()
  const section = await run({ tiny: true })
  expect(section.tables.length).toBeGreaterThan(0)
  expect(section.tables.some((table) => table.rows.length > 0)).toBe(true)
  for (const table of section.tables) {
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length)
  }
  const html = report({ machine: {}, sections: [{ ...section, when: 'now' }] })
  expect(html).toContain(section.title)
  expect(html).not.toMatch(/NaN|Infinity|(src|href)="/)
  // What does not depend on the speed of the machine must hold here too.
  if (name === 'units' || name === 'atomic')
    for (const target of (section.targets ?? []).filter(({ what }) => !what.includes('against')))
      expect(target).toMatchObject({ met: true })
})

test('the command line says what it knows, and refuses the rest', () => {
  expect(asked(['--help'])).toBeUndefined()
  expect(asked(['client', '-h'])).toBeUndefined()
  expect(asked([])).toEqual({ names: Object.keys(benches), tiny: false, keeps: true })
  expect(asked(['queue', '--tiny', '--no-save'])).toEqual({ names: ['queue'], tiny: true, keeps: false })
  for (const wrong of [['--tinny'], ['clint'], ['toString'], ['client', '--no-safe']])
    expect(() => asked(wrong)).toThrow()
})
