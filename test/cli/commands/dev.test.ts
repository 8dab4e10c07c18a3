import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { dropTable, localClient } from '../../setup/local.ts'
import { cli, records } from '../helpers.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('dev on a server that runs', () => {
  it('makes the table, says where, and leaves the server running', async () => {
    const endpoint = inject('dynamoEndpoint')
    vi.stubEnv('DYNAMODB_ENDPOINT', endpoint)
    const table = `cli-${randomUUID()}`
    const stop = new AbortController()
    const ran = await cli(['dev', '--table', table], {
      signal: stop.signal,
      onOut: (text) => {
        if (text.includes('Ctrl-C')) stop.abort()
      },
    })
    expect(ran).toMatchObject({ code: 0, err: 'stopped\n' })
    expect(ran.out).toContain(`export AWS_ENDPOINT_URL_DYNAMODB=${endpoint} LOCKROW_TABLE=${table} `)
    const described = await cli(['table', 'describe', '--endpoint', endpoint, '--table', table, '--json'])
    const client = localClient(endpoint)
    await dropTable(client, table)
    client.destroy()
    expect(records(described)).toMatchObject([{ table, problems: [] }])
  })

  it('has no port to choose', async () => {
    const env = { DYNAMODB_ENDPOINT: inject('dynamoEndpoint') }
    const ran = await cli(['dev', '--port', '8000'], { env })
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toMatch(/^lockrow: DYNAMODB_ENDPOINT names a server that runs [^\n]*\n$/)
  })

  it('stopped while it starts', async () => {
    expect(await cli(['dev', '--port', '0'], { signal: AbortSignal.abort() })).toEqual({
      code: 130,
      out: '',
      err: 'lockrow: stopped\n',
    })
  })
})
