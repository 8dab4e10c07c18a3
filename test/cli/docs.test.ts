import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Mutex } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { onTable } from './helpers.ts'

/** The examples of the guide are commands that work, in the order in which they stand there. */
const on = onTable()
const guide = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8')
const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block]) => block!.split('\n'))
  .flatMap((line) => /(?:^|\| )npx lockrow ([^|>]*)/.exec(line)?.[1]?.trim() ?? [])
  // They serve until Ctrl-C, and have tests of their own.
  .filter((command) => command !== 'dev' && !command.startsWith('console'))

const words = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)

describe('docs/cli.md', () => {
  it('has commands that work', async () => {
    expect(commands.length).toBeGreaterThan(20)
    const db = on.db()
    await db.set({ pk: 'user#123', sk: 'profile', data: { name: 'Ann' } })
    await db.getLock({ pk: 'user#123', sk: 'profile#lock' })
    await new Mutex(db, { pk: 'mutex', sk: 'nightly-report' }, { ttlMs: null }).acquire()
    await db.queuePush([
      { pk: 'jobs', sk: '01JDC0FVXHDSZP2S6YCDHXSEP9' },
      { pk: 'jobs', uniqueId: 'sync-7' },
    ])
    for (const command of commands) {
      const argv = words(command).map((word) => (word === 'messages.jsonl' ? '-' : word))
      const { code, err } = await on.lockrow(argv, { input: '{"n":1}\n' })
      expect({ command, code, err }).toMatchObject({ command, code: 0 })
    }
  })
})
