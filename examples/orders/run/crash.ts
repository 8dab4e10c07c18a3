import { openDb } from '../db.ts'
import { OUTBOX } from '../shop.ts'
import { workerHandler } from '../worker.ts'
import { lambdaContext, scheduleEvent } from './events.ts'

/**
 * A worker that dies as a process can at worst: its first commit has happened, it has heard nothing of it, and the
 * other messages that it claimed are half done. Run as a process of its own.
 */
const db = openDb()
let commits = 0
const dying = new Proxy(db, {
  get(target, name) {
    const value = Reflect.get(target, name, target)
    if (typeof value !== 'function') return value
    if (name !== 'transact') return value.bind(target)
    return async (...args: Parameters<typeof db.transact>) => {
      if (commits++ === 0) {
        await target.transact(...args)
        process.kill(process.pid, 'SIGKILL')
      }
      return new Promise(() => {})
    }
  },
})

await workerHandler(dying, { visibilitySeconds: Number(process.env.VISIBILITY_SECONDS) })(
  scheduleEvent(OUTBOX),
  lambdaContext('worker', 30_000),
)
