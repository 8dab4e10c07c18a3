import { BackendError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { checkScript, layout } from './scripts.ts'
import { lookFault } from './writes.ts'

/** Refuses a server that would not keep what is promised. Its keys are its own: nothing of others is touched. */
export async function checkServer(connection: Connection): Promise<void> {
  let answer: unknown[]
  try {
    answer = await connection.read(checkScript, [], {})
  } catch (error) {
    throw lookFault(error)
  }
  const [found, info] = answer as string[]
  if (found !== layout)
    throw new BackendError(
      `the keys of ${connection.base} have layout '${found}', and this version of lockrow writes '${layout}': choose another name by the option 'prefix', or copy the data`,
    )
  checkInfo(info!, connection.base)
}

/** What `INFO` says; empty where it may not be asked. */
export function checkInfo(info: string, where: string): void {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const version = field('redis_version')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (version !== '' && (major < 6 || (major === 6 && minor < 2)))
    throw new BackendError(`the server is Redis ${version}: lockrow needs Redis 6.2, Valkey 7.2 or later`)
  const policy = field('maxmemory_policy')
  if (policy !== '' && policy !== 'noeviction' && Number(field('maxmemory')) > 0)
    throw new BackendError(
      `the server of ${where} deletes keys when its memory is full (maxmemory-policy ${policy}), locks and messages among them: set maxmemory-policy noeviction`,
    )
}
