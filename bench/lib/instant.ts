import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A server that answers at once with what DynamoDB Local has answered before. */
export interface InstantServer {
  /** An endpoint of its own, for one contender: its replies are those that it got itself. */
  endpoint(): Promise<string>
  /** From now on nobody asks DynamoDB Local. */
  freeze(): Promise<void>
}

/** Runs `work` with a server in a process of its own, and stops it. */
export async function withInstantServer<T>(
  upstream: string,
  work: (server: InstantServer) => Promise<T>,
): Promise<T> {
  const file = fileURLToPath(new URL('./instant-server.ts', import.meta.url))
  const child = fork(file, [upstream], { execArgv: ['--import', 'tsx'] })
  const answer = async <Answer>(question?: string): Promise<Answer> => {
    const [said] = await Promise.all([once(child, 'message'), question && child.send(question)])
    return said[0] as Answer
  }
  try {
    await answer()
    return await work({
      endpoint: async () => `http://127.0.0.1:${await answer<number>('listen')}`,
      freeze: async () => {
        await answer('freeze')
      },
    })
  } finally {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
}
