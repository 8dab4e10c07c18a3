import { parentPort, workerData } from 'node:worker_threads'
import type { AtomicDbItemsInterface } from '../interface.ts'
import { BeatBoard } from './beat-board.ts'
import { Heartbeat } from './heartbeat.ts'
import { type DrainMessage, type ThreadData, type ThreadMessage, textOfError } from './heartbeat-messages.ts'

/** The thread of `Liveness` with `thread`: makes its own client and writes heartbeats until it is ended. */

const data = workerData as ThreadData
const port = parentPort!
const say = (message: ThreadMessage) => port.postMessage(message)

async function makeDb(): Promise<AtomicDbItemsInterface> {
  const { default: made } = (await import(data.module)) as { default?: unknown }
  // What CommonJS exports as `default` is one level deeper.
  const make = typeof made === 'function' ? made : (made as { default?: unknown } | undefined)?.default
  if (typeof make !== 'function') throw new TypeError('its default export must be a function')
  const db = (await make()) as AtomicDbItemsInterface | undefined
  if (typeof db?.update !== 'function') throw new TypeError('the function must return a database')
  return db
}

async function main(): Promise<void> {
  let db: AtomicDbItemsInterface
  try {
    db = await makeDb()
  } catch (error) {
    return say({ type: 'failed', field: 'thread.module', error: textOfError(error) })
  }
  const board = new BeatBoard(data.board)
  const heartbeat = new Heartbeat(db, data.key, data.timing, (sent) => board.write(sent))
  try {
    await heartbeat.start()
  } catch (error) {
    return say({ type: 'failed', error: textOfError(error) })
  }
  heartbeat.signal.addEventListener('abort', () =>
    say({ type: 'lost', error: textOfError(heartbeat.signal.reason) }),
  )
  port.on('message', async ({ id, draining }: DrainMessage) => {
    try {
      await heartbeat.setDraining(draining)
      say({ type: 'drained', id })
    } catch (error) {
      say({ type: 'drained', id, error: textOfError(error) })
    }
  })
  say({ type: 'ready' })
}

await main()
