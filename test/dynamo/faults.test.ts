import { StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { toFault } from '../../src/dynamo/faults.ts'
import { noteSent } from '../../src/dynamo/trail.ts'

const error = (name: string, more: object = {}) => Object.assign(new Error(name), { name, ...more })
const reply = (httpStatusCode: number, $fault: 'client' | 'server') => ({
  $metadata: { httpStatusCode },
  $fault,
})
const kindOf = (given: unknown) => {
  const fault = toFault(given, 'table', undefined)
  return fault instanceof StorageFault ? fault.kind : fault === given ? 'as it is' : (fault as Error).name
}

test.each([
  ['throttled', error('ProvisionedThroughputExceededException', reply(400, 'client'))],
  ['conflict', error('TransactionConflictException', reply(400, 'client'))],
  ['inProgress', error('TransactionInProgressException', reply(400, 'client'))],
  ['mismatch', error('IdempotentParameterMismatchException', reply(400, 'client'))],
  ['unknown', error('InternalServerError', reply(500, 'server'))],
  // Whatever the service calls it: with a status of its own side nobody knows what was done.
  ['unknown', error('Strange', reply(500, 'client'))],
  ['unreachable', error('x', { code: 'ECONNREFUSED', syscall: 'connect' })],
  // Thrown before anything left.
  ['unreachable', error('x', { code: 'ECONNRESET', syscall: 'read' })],
])('%s: %s', (kind, given) => expect(kindOf(given)).toBe(kind))

test('what may have left before its error may have arrived', () => {
  const lost = error('x', { code: 'ECONNRESET', syscall: 'read' })
  noteSent(lost)
  expect(kindOf(lost)).toBe('unknown')
})
