import type { Socket } from 'node:net'
import { longestTimerMs } from '../runtime.ts'
import type { Carried } from './carrying.ts'
import { Connection, type ConnectionOwner } from './connection.ts'

/** Bounds of a pool. */
export interface PoolLimits {
  readonly maxSockets: number
  readonly idleTimeoutMs: number
}

/**
 * Connections to one host. A request takes the one that was used last, or opens one, or waits for one: the others get
 * old, and are ended before the other side does it.
 */
export class Pool implements ConnectionOwner {
  readonly #connect: () => Socket
  readonly #limits: PoolLimits
  readonly #all = new Set<Connection>()
  /** The one that was used last is the last. */
  #idle: Connection[] = []
  readonly #waiting = new Set<Carried>()
  #sweep: ReturnType<typeof setTimeout> | undefined

  constructor(connect: () => Socket, limits: PoolLimits) {
    this.#connect = connect
    this.#limits = limits
  }

  /** Gives the request a connection, now or later. */
  run(exchange: Carried): void {
    const connection = this.#taken()
    if (connection) {
      if (!connection.run(exchange)) this.ready(connection)
    } else if (this.#hasRoom) this.#open(exchange)
    else this.#waiting.add(exchange)
  }

  /** The request does not want a connection any more. */
  cancel(exchange: Carried): void {
    this.#waiting.delete(exchange)
  }

  ready(connection: Connection): void {
    for (let next = this.#next(); next; next = this.#next()) if (connection.run(next)) return
    connection.rest()
    this.#idle.push(connection)
    this.#sweepLater()
  }

  closed(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
    while (this.#hasRoom) {
      const next = this.#next()
      if (!next) return
      this.run(next)
    }
  }

  destroy(): void {
    clearTimeout(this.#sweep)
    this.#sweep = undefined
    for (const exchange of this.#waiting) exchange.lost(new Error('the client was destroyed'))
    this.#waiting.clear()
    for (const connection of [...this.#all]) connection.end()
  }

  get #hasRoom(): boolean {
    return this.#all.size < this.#limits.maxSockets
  }

  #open(exchange: Carried): void {
    try {
      const socket = this.#connect()
      // It would never tell that it is closed.
      if (socket.destroyed) throw new Error('connect gave a socket that is closed')
      this.#all.add(new Connection(socket, this, exchange))
    } catch (error) {
      exchange.lost(error)
    }
  }

  #next(): Carried | undefined {
    const [next] = this.#waiting
    if (next) this.#waiting.delete(next)
    return next
  }

  #taken(): Connection | undefined {
    this.#endStale()
    for (;;) {
      const connection = this.#idle.pop()
      if (!connection || connection.isUsable) return connection
    }
  }

  /** Ends what has been idle for too long: the oldest come first. */
  #endStale(): void {
    let stale = 0
    for (const connection of this.#idle) {
      if (connection.idleMs < this.#limits.idleTimeoutMs) break
      stale++
    }
    if (stale > 0) for (const connection of this.#idle.splice(0, stale)) connection.end()
  }

  #sweepLater(): void {
    this.#sweep ??= setTimeout(
      () => {
        this.#sweep = undefined
        this.#endStale()
        if (this.#idle.length > 0) this.#sweepLater()
      },
      Math.min(this.#limits.idleTimeoutMs / 4, longestTimerMs),
    ).unref()
  }
}
