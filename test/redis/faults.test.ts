import { BackendError, InvalidInput } from 'lockrow'
import { StorageFault } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { isScriptMissing, toFault } from '../../src/redis/faults.ts'

class ReplyError extends Error {
  override name = 'ReplyError'
}
class SimpleError extends Error {}
class ClientOfflineError extends Error {}

const fault = (message: string) => toFault(new ReplyError(message), '{lockrow}')

describe('errors of Redis', () => {
  test.each([
    ['LOADING Redis is loading the dataset in memory', 'unreachable'],
    ['READONLY You can not write against a read only replica.', 'unreachable'],
    ['CLUSTERDOWN The cluster is down', 'unreachable'],
    ['BUSY Redis is busy running a script.', 'throttled'],
    ['NOREPLICAS Not enough good replicas to write.', 'throttled'],
    ['ERR Error running script (call to f_1): @user_script:7: -READONLY You can not write', 'unreachable'],
  ])('%s: %s', (message, kind) => {
    expect(fault(message)).toMatchObject({ kind })
  })

  test.each([
    ['NOPERM this user has no permissions to run the evalsha command', /ACL SETUSER/],
    ["ERR The user executing the script can't run this command or subcommand", /ACL SETUSER/],
    ['NOAUTH Authentication required.', /user and a password/],
    ['WRONGPASS invalid username-password pair', /user and a password/],
    ["OOM command not allowed when used memory > 'maxmemory'.", /maxmemory/],
    ['MISCONF Redis is configured to save RDB snapshots', /cannot save/],
    ['MOVED 3999 127.0.0.1:6381', /cluster/],
    ["CROSSSLOT Keys in request don't hash to the same slot", /key prefix/],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', /'prefix'/],
    ["ERR unknown command 'EVALSHA'", /6\.2/],
    ['ERR something else', /something else/],
  ])('%s: says what to do', (message, advice) => {
    const error = fault(message)
    expect(error).toBeInstanceOf(BackendError)
    expect((error as Error).message).toMatch(advice)
  })

  test('either library is understood', () => {
    expect(isScriptMissing(new SimpleError('NOSCRIPT No matching script.'))).toBe(true)
    expect(isScriptMissing(new ReplyError('NOSCRIPT No matching script.'))).toBe(true)
    expect(isScriptMissing(new Error('read ECONNRESET'))).toBe(false)
  })

  test('a lost connection leaves it open whether it was applied; what was never sent was not', () => {
    expect(toFault(new Error('Socket closed unexpectedly'), '')).toMatchObject({ kind: 'unknown' })
    expect(toFault(new Error('Connection is closed.'), '')).toMatchObject({ kind: 'unknown' })
    expect(toFault(new ClientOfflineError('The client is offline'), '')).toMatchObject({
      kind: 'unreachable',
    })
  })

  test('what is an error of ours stays as it is', () => {
    for (const error of [new StorageFault('conflict', ''), new InvalidInput('a', 'b'), 'no error'])
      expect(toFault(error, '')).toBe(error)
  })
})
