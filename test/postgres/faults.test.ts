import { BackendError, InvalidInput } from 'lockrow'
import { StorageFault } from 'lockrow/backend'
import { describe, expect, it } from 'vitest'
import { sqlState, toFault } from '../../src/postgres/faults.ts'

/** As `pg` has it: what the server has sent. */
const answered = (code: string, severity = 'ERROR', message = 'text') =>
  Object.assign(new Error(message), { code, severity })
const ofSocket = (message: string, code?: string) => Object.assign(new Error(message), { code })
const kindOf = (error: unknown, phase: 'connecting' | 'sent' = 'sent') =>
  (toFault(error, 'there', phase) as { kind?: string }).kind

describe('errors of PostgreSQL', () => {
  it('have a code if the server has sent them', () => {
    expect(sqlState(answered('40001'))).toBe('40001')
    for (const error of [ofSocket('x', 'EPIPE'), ofSocket('x', 'ECONNRESET'), new Error('x'), null, 'x'])
      expect(sqlState(error)).toBe('')
  })

  it.each([
    ['40001', 'conflict'],
    ['40P01', 'conflict'],
    ['23505', 'conflict'],
    ['55P03', 'throttled'],
    ['57014', 'throttled'],
    ['53200', 'throttled'],
    ['53300', 'unreachable'],
    ['22021', 'invalid'],
    ['54000', 'invalid'],
  ])('%s: %s', (code, kind) => {
    expect(kindOf(answered(code))).toBe(kind)
    // In another language.
    expect(kindOf(answered(code, 'FEHLER'))).toBe(kind)
  })

  it('are a doubt where the connection ends with them after something was sent', () => {
    for (const code of ['57P01', '57P02', '08006', '08P01', 'XX000']) {
      expect(kindOf(answered(code, 'FATAL'))).toBe('unknown')
      expect(kindOf(answered(code, 'SCHWERWIEGEND'))).toBe('unknown')
    }
    expect(kindOf(answered('57P03', 'FATAL'), 'connecting')).toBe('unreachable')
    expect(kindOf(answered('53300', 'FATAL'), 'connecting')).toBe('unreachable')
  })

  it('of a socket are a doubt after sending, and none before', () => {
    for (const error of [
      ofSocket('Connection terminated unexpectedly'),
      ofSocket('read ECONNRESET', 'ECONNRESET'),
      ofSocket('write EPIPE', 'EPIPE'),
    ])
      expect([kindOf(error), kindOf(error, 'connecting')]).toEqual(['unknown', 'unreachable'])
    expect(kindOf(ofSocket('Client has encountered a connection error and is not queryable'))).toBe(
      'unreachable',
    )
    expect(kindOf(ofSocket('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'connecting')).toBe(
      'unreachable',
    )
  })

  it.each([
    ['42P01', /createTable/],
    ['3F000', /CREATE SCHEMA/],
    ['42501', /grant SELECT/],
    ['42703', /option 'table'/],
    ['28P01', /no connection/],
    ['3D000', /no connection/],
    ['25006', /primary/],
    ['53100', /disk .* full\. Nothing was written/],
    ['42601', /PostgreSQL 12/],
    ['99999', /^there: 99999 text$/],
  ])('%s says what to do', (code, text) => {
    const fault = toFault(answered(code), 'there', 'sent')
    expect(fault).toBeInstanceOf(BackendError)
    expect((fault as Error).message).toMatch(text)
    expect((fault as Error).cause).toBeInstanceOf(Error)
  })

  it('are final where no connection can ever be made so', () => {
    for (const text of [
      'Cannot use a pool after calling end on the pool',
      'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
      'The server does not support SSL connections',
    ])
      expect(toFault(new Error(text), 'there', 'connecting')).toBeInstanceOf(BackendError)
  })

  it('leaves alone what is none of PostgreSQL’s', () => {
    const own = new InvalidInput('a', 'b')
    const fault = new StorageFault('conflict', 'c')
    expect([toFault(own, 'f', 'sent'), toFault(fault, 'f', 'sent'), toFault('x', 'f', 'sent')]).toEqual([
      own,
      fault,
      'x',
    ])
  })
})
