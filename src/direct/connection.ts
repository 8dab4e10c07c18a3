import type { Socket } from 'node:net'
import { stopwatch, systemRuntime } from '../runtime.ts'
import type { Carried, Carrier } from './carrying.ts'

/** What becomes of a connection. */
export interface ConnectionOwner {
  /** It can take a request. */
  ready(connection: Connection): void
  /** It is gone. */
  closed(connection: Connection): void
}

/** One connection, which carries one request at a time. */
export class Connection implements Carrier {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  #exchange: Carried | undefined
  #idleFor: (() => number) | undefined
  #problem: Error | undefined

  /** `first` is the request that it is made for. */
  constructor(socket: Socket, owner: ConnectionOwner, first: Carried) {
    this.#socket = socket
    this.#owner = owner
    this.#exchange = first
    first.connecting(this)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#ended())
    socket.on('error', (error: Error) => {
      this.#problem = error
    })
    socket.on('close', () => this.#close())
    // Of TLS, both ends have agreed and the certificate was accepted.
    if (!isConnecting(socket)) this.#connected()
    else socket.once('secureConnecting' in socket ? 'secureConnect' : 'connect', () => this.#connected())
  }

  /** It can carry a request, as far as this side knows. */
  get isUsable(): boolean {
    return !this.#socket.destroyed
  }

  /** Milliseconds without a request, by the clock that shows more: a timer alone stands still in a frozen function. */
  get idleMs(): number {
    return this.#idleFor?.() ?? 0
  }

  /** Takes the next request. False: that one does not want it any more. */
  run(exchange: Carried): boolean {
    this.#exchange = exchange
    this.#idleFor = undefined
    this.#socket.ref()
    const isSent = exchange.send(this)
    if (!isSent) this.#exchange = undefined
    return isSent
  }

  write(text: string): boolean {
    this.#socket.write(text, this.#written)
    return this.#socket.writableLength === 0
  }

  readonly #written = (error?: Error | null): void => {
    if (!error) this.#exchange?.written()
  }

  release(): void {
    this.#exchange = undefined
    // Answered before the request was read to its end: the next one would wait behind its rest.
    if (this.#socket.writableLength > 0) this.#socket.destroy()
    else this.#owner.ready(this)
  }

  /** It is kept for later requests, and does not keep the process alive. */
  rest(): void {
    this.#idleFor = stopwatch(systemRuntime)
    this.#socket.unref()
  }

  destroy(): void {
    this.#exchange = undefined
    this.#socket.destroy()
  }

  /** Whatever it carries is lost. */
  end(): void {
    this.#socket.destroy()
  }

  #connected(): void {
    if (this.#exchange && !this.#exchange.send(this)) this.release()
  }

  #ended(): void {
    if (this.#exchange) this.#exchange.ended()
    else this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    // What nobody has asked for: the next request must not take it for its reply.
    if (this.#exchange) this.#exchange.read(chunk)
    else this.#socket.destroy()
  }

  #close(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#owner.closed(this)
    exchange?.lost(this.#problem)
  }
}

/** A connection that is being made still: of TLS also while its ends agree on keys. */
const isConnecting = (socket: Socket): boolean =>
  socket.pending || (socket as { secureConnecting?: boolean }).secureConnecting === true
