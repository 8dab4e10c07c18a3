import type { AtomicDbInterface } from 'lockrow'
import { type Runtime, systemRuntime } from 'lockrow/backend'

/** Two machines: one database, clocks of their own that a test sets. */
export class Machine implements Runtime {
  wall: number
  mono = 0
  constructor(wall: number) {
    this.wall = wall
  }
  now = () => this.wall
  monotonic = () => this.mono
  random = systemRuntime.random
  sleep: Runtime['sleep'] = (ms, options) => {
    this.pass(ms)
    return systemRuntime.sleep(0, options)
  }
  pass(ms: number) {
    this.wall += ms
    this.mono += ms
  }
}

/** The same database as seen from a machine. */
export const from = (db: AtomicDbInterface, runtime: Runtime): AtomicDbInterface =>
  new Proxy(db, {
    get(target, name) {
      if (name === 'runtime') return runtime
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
