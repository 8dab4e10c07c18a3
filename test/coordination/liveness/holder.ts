/**
 * A process that holds a mutex and then blocks its event loop. Says each step on a line of its own.
 * Arguments: `thread` or `loop`, how long it blocks in ms.
 */
import { Liveness, Mutex } from '../../../src/index.ts'
import makeDb from './make-db.ts'

const [how, blockMs] = [process.argv[2], Number(process.argv[3])]
const db = makeDb()
const liveness = new Liveness(db, {
  heartbeatMs: 500,
  deadAfterMs: 4000,
  ...(how === 'thread' && {
    thread: {
      module: new URL('./make-db.ts', import.meta.url),
      execArgv: ['--import', new URL('./typescript.mjs', import.meta.url).href],
    },
  }),
})
await liveness.start()
const mutex = new Mutex(db, { pk: 'l', sk: how! }, { ttlMs: null, liveness })
await mutex.acquire()
console.log('held')
// A long synchronous computation.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
console.log(mutex.isHeld ? 'still held' : 'lost')
if (mutex.isHeld) await mutex.release()
await liveness.stop()
console.log('stopped')
// Nothing ends the process: whatever is left must not keep it alive.
