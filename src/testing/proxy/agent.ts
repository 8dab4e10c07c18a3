import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, type NetConnectOpts, Socket } from 'node:net'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { Random } from '../random.ts'
import { connectFaults, type SocketFault } from './kinds.ts'

// Those of libuv: errors of names are none of the system's.
const dns: Record<string, number> = { ENOTFOUND: -3008, EAI_AGAIN: -3001 }
const system: Record<string, number | undefined> = { ...constants.errno }

/** The error as Node makes it, with the fields that tell whether a connection was there. */
export function socketError(fault: SocketFault, { host = '', port = 0 } = {}): Error {
  const [syscall = '', code = ''] = fault.split(' ')
  const errno = dns[code] ?? -(system[code] ?? 0)
  const where = syscall === 'connect' ? ` ${host}:${port}` : syscall === 'getaddrinfo' ? ` ${host}` : ''
  const details =
    syscall === 'connect' ? { address: host, port } : syscall === 'getaddrinfo' ? { hostname: host } : {}
  return Object.assign(new Error(`${fault}${where} (injected)`), { errno, code, syscall, ...details })
}

/** What Node gives where a name has several addresses and none of them answers. It has no `syscall` of its own. */
const severalAddresses = (fault: SocketFault, place: { host: string; port: number }): Error => {
  const errors = [socketError(fault, { ...place, host: '::1' }), socketError(fault, place)]
  return Object.assign(new AggregateError(errors), { code: fault.split(' ')[1] })
}

type Connected = (error: Error | null, stream: Duplex) => void

/** An agent for the client under test, whose sockets fail when the proxy says so. */
export class FailingAgent extends Agent {
  readonly #open = new Map<number, Socket>()
  readonly #random: Random
  readonly #happens: () => boolean
  readonly #failed: (fault: SocketFault) => void

  constructor(random: Random, happens: () => boolean, failed: (fault: SocketFault) => void) {
    super({ keepAlive: true, maxSockets: 64 })
    this.#random = random
    this.#happens = happens
    this.#failed = failed
  }

  override createConnection(options: ClientRequestArgs, connected?: Connected): Socket | undefined {
    if (connected && this.#happens()) {
      const error = this.#refusal({ host: String(options.host ?? ''), port: Number(options.port ?? 0) })
      // With an error there is no stream.
      setImmediate(() => connected(error, undefined as never))
      return undefined
    }
    return this.#followed(connect(options as NetConnectOpts))
  }

  /** A socket for a client that opens its own: `directClient({ connect: (to) => proxy.agent.open(to) })`. */
  open(to: { host: string; port: number }): Socket {
    if (!this.#happens()) return this.#followed(connect(to))
    const socket = new Socket()
    setImmediate(() => socket.destroy(this.#refusal(to)))
    return socket
  }

  /** Why no connection is made. */
  #refusal(place: { host: string; port: number }): Error {
    const fault = this.#random.pick(connectFaults)
    const several = fault.startsWith('connect') && this.#random.chance(0.25)
    this.#failed(fault)
    return several ? severalAddresses(fault, place) : socketError(fault, place)
  }

  #followed(socket: Socket): Socket {
    let port = 0
    socket.once('connect', () => {
      port = socket.localPort ?? 0
      this.#open.set(port, socket)
    })
    socket.once('close', () => this.#open.delete(port))
    return socket
  }

  /** The established connection from this local port fails. False: it is none of ours. */
  fail(port: number | undefined, fault: SocketFault): boolean {
    const socket = this.#open.get(port ?? 0)
    if (!socket) return false
    this.#failed(fault)
    socket.destroy(socketError(fault))
    return true
  }
}
