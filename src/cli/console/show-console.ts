import { once } from 'node:events'
import { consoleHandler, UnitMeter } from '../../console/index.ts'
import type { ConsoleOptions } from '../../console/options.ts'
import type { AtomicDbInterface } from '../../interface.ts'
import { AtomicMemoryDb } from '../../memory/index.ts'
import { processesPk } from '../../model/key-names.ts'
import { openClient, whereOf } from '../connect.ts'
import { explain, Refusal } from '../failures.ts'
import { clean, fieldsOf } from '../format.ts'
import type { Session } from '../session.ts'
import { makeDemo } from './demo.ts'
import { DynamoSource, LateDb } from './dynamo-source.ts'
import { newToken, startServer } from './server.ts'

/** Where it listens, where no other port is given. */
const usualPort = 7410

/** Options of the command. */
export interface ConsoleFlags {
  port?: number
  write?: boolean
  demo?: boolean
  queue?: string[]
}

/** What is shown, and what ends it. */
interface Shown {
  db: AtomicDbInterface
  options: Partial<ConsoleOptions>
  /** For the terminal. */
  what: string
  close(): Promise<void>
}

async function showDemo(): Promise<Shown> {
  const { db, start, stop, ...options } = makeDemo()
  await start()
  return {
    db,
    options: { ...options, title: 'demo shop', where: 'in memory' },
    what: 'a demo shop, in memory',
    close: stop,
  }
}

async function showTable(session: Session): Promise<Shown> {
  const { settings, io, table } = session
  const { store } = settings
  if (store) {
    const { where, kind } = store
    const db = await session.db()
    const told = (error: unknown) => explain(error, { table, where, store: kind })
    const options = { scan: true, title: table, where, explain: told }
    return { db, options, what: `'${table}' in ${where}`, close: async () => {} }
  }
  const meter = new UnitMeter()
  const source = new DynamoSource(table, () => openClient(settings, io.env), meter)
  const where = whereOf(settings)
  // Said here already, and in the page until it is mended: the console goes on by itself.
  const db = new LateDb(source, new AtomicMemoryDb())
  await db
    .get({ pk: processesPk, sk: '#' }, { consistent: false })
    .catch((error: unknown) => io.stderr.write(`lockrow: ${clean(explain(error, { table, where }))}\n`))
  return {
    db,
    options: { scan: true, meter, title: table, where, explain: (error) => explain(error, { table, where }) },
    what: `table ${table} at ${where}`,
    close: () => source.close(),
  }
}

/** Serves the console until Ctrl-C. */
export async function showConsole(
  session: Session,
  { port = usualPort, write = false, demo, queue }: ConsoleFlags,
): Promise<undefined> {
  const { io, settings } = session
  if (demo && settings.givenEndpoint !== undefined)
    throw new Refusal('--demo has a database of its own: leave out --endpoint')
  const shown = demo ? await showDemo() : await showTable(session)
  const token = newToken()
  try {
    const handler = consoleHandler(shown.db, {
      ...shown.options,
      token,
      write: write || demo === true,
      queues: queue ?? shown.options.queues,
      onTrouble: (message) =>
        io.stderr.write(`lockrow: ${message === undefined ? 'it answers again' : clean(message)}\n`),
    })
    const server = await startServer(handler, { port, token })
    tell(session, { link: server.link, what: shown.what, write: write || demo === true })
    // The first Ctrl-C ends it.
    if (!io.signal.aborted) await once(io.signal, 'abort')
    await server.stop()
    if (!settings.json) io.stderr.write('stopped\n')
  } finally {
    await shown.close()
  }
}

function tell(session: Session, { link, what, write }: { link: string; what: string; write: boolean }): void {
  const mode = write ? 'shows and changes' : 'shows; --write lets it change'
  session.print({
    records: [{ link, write }],
    lines: [
      ...fieldsOf([
        [mode, what],
        ['open', link],
      ]),
      '',
      'The link is for you alone: whoever has it has the console. Ctrl-C stops it.',
    ],
  })
}
