import { connect, createServer, type Socket } from 'node:net'
import type { Random } from '../../src/testing/random.ts'

/** A proxy that cuts connections: before a request is passed on, or when it was and its answer is on its way. */
export interface CuttingProxy {
  readonly url: string
  /** Chance that a piece of a request, or of an answer, ends its connection. */
  chance: number
  /** How many requests and how many answers it has cut. */
  readonly cuts: { requests: number; answers: number }
  close(): Promise<void>
}

export async function startCuttingProxy(to: { port: number }, random: Random): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const cuts = { requests: 0, answers: 0 }
  const state = { chance: 0 }
  const server = createServer((near) => {
    const far = connect(to.port, '127.0.0.1')
    const end = () => {
      near.destroy()
      far.destroy()
    }
    const pass = (from: Socket, on: Socket, what: keyof typeof cuts) => {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('error', end)
      from.on('close', () => {
        sockets.delete(from)
        end()
      })
      from.on('data', (data) => {
        if (!random.chance(state.chance)) return void on.write(data)
        cuts[what]++
        end()
      })
    }
    pass(near, far, 'requests')
    pass(far, near, 'answers')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `redis://127.0.0.1:${port}`,
    cuts,
    get chance() {
      return state.chance
    },
    set chance(chance) {
      state.chance = chance
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
