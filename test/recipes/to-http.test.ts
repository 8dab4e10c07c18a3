import * as lockrow from 'lockrow'
import { AtomicDbError, BackendError, InvalidInput } from 'lockrow'
import * as collections from 'lockrow/collections'
import { toHttp } from 'lockrow/recipes'
import { describe, expect, test } from 'vitest'

/** Every class of error that lockrow exports, with its code. */
const classes = Object.values({ ...lockrow, ...collections } as Record<string, unknown>).filter(
  (value): value is typeof AtomicDbError =>
    typeof value === 'function' && (value === AtomicDbError || value.prototype instanceof AtomicDbError),
)

/** An error of the class, full of what nobody else may see. */
function errorOf(type: typeof AtomicDbError): AtomicDbError {
  const error = Object.create(type.prototype) as AtomicDbError
  const secret = {
    code: type.code,
    message: 'secret-pk/secret-sk: secret',
    keys: [{ pk: 'secret-pk', sk: 's' }],
  }
  for (const [name, value] of Object.entries({ ...secret, conflicts: [secret], cause: new Error('secret') }))
    Object.defineProperty(error, name, { value, enumerable: true })
  return error
}

describe('every error of lockrow has an answer', () => {
  test('all of them are looked at', () => {
    expect(classes.map(({ code }) => code).sort()).toEqual(
      expect.arrayContaining(['InProgress', 'Throttled']),
    )
    expect(classes.length).toBeGreaterThanOrEqual(15)
  })

  test.each(classes.map((type) => [type.code, type] as const))('%s', (code, type) => {
    const { status, headers, body } = toHttp(errorOf(type))
    if (type !== AtomicDbError) expect(body.code).toBe(code)
    expect(status).toBe(body.status)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(JSON.stringify({ headers, body })).not.toContain('secret')
    // Only where the same request may succeed later.
    if (headers['retry-after'] !== undefined) expect([409, 503]).toContain(status)
  })

  test.each([
    ['InvalidInput', 400, undefined],
    ['ConditionFailed', 409, undefined],
    ['InProgress', 409, '1'],
    ['IdempotencyMismatch', 422, undefined],
    ['RaceCondition', 503, '1'],
    ['Throttled', 503, '1'],
    ['OutcomeUnknown', 503, undefined],
    ['PartialWrite', 503, undefined],
    ['LeaseLost', 503, undefined],
  ])('%s is %d, Retry-After %s', (code, status, retryAfter) => {
    const { status: found, headers } = toHttp(errorOf(classes.find((type) => type.code === code)!))
    expect([found, headers['retry-after']]).toEqual([status, retryAfter])
  })
})

test('what is no error of lockrow says nothing of itself', () => {
  const answers = [
    new Error('secret'),
    new TypeError('secret'),
    'secret',
    null,
    undefined,
    { code: 'Throttled' },
  ]
  for (const error of answers)
    expect(toHttp(error)).toMatchObject({ status: 500, body: { code: 'Internal', status: 500 } })
  expect(JSON.stringify(answers.map((error) => toHttp(error)))).not.toContain('secret')
})

test('an aborted call is 503', () => {
  for (const name of ['TimeoutError', 'AbortError'])
    expect(toHttp(new DOMException('secret', name))).toMatchObject({ status: 503, body: { code: name } })
})

test('an error of another copy of the package counts as well', () => {
  const copy = new (class Throttled extends AtomicDbError {
    static override readonly code: string = 'Throttled'
  })('elsewhere')
  expect(toHttp(copy).status).toBe(503)
  expect(toHttp(new (class Own extends AtomicDbError {})('of a user')).status).toBe(500)
})

test('other statuses by code', () => {
  const error = new BackendError('x')
  expect(toHttp(error, { statuses: { BackendError: 502 } })).toMatchObject({
    status: 502,
    body: { status: 502 },
  })
  expect(toHttp(error, { statuses: { InvalidInput: 422 } }).status).toBe(503)
  expect(() => toHttp(error, { statuses: { BackendErorr: 502 } })).toThrow("did you mean 'BackendError'?")
  expect(() => toHttp(error, { statuses: { BackendError: 200 } })).toThrow(InvalidInput)
  expect(() => toHttp(error, { status: 500 } as never)).toThrow(InvalidInput)
})
